import { sleep, systemClock, type Clock } from './clock.js';
import type { AuthManager } from './auth-manager.js';

/** What of `process` is needed. */
export type SignalledProcess = Pick<NodeJS.Process, 'on' | 'off' | 'kill' | 'pid'>;

/** How patiently {@link finishRefreshOnSignal} waits. */
export type FinishOnSignalOptions = {
  /** How long a refresh that was sent is waited for, in milliseconds. Default 5 000. */
  readonly timeoutMs?: number;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
};

const FINISH_TIMEOUT_MS = 5_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Lets a refresh that was sent finish before SIGINT, SIGTERM or SIGHUP ends the process: the answer is
 * waited for and stored, then the same signal is raised again. A second signal ends it at once. Opt-in,
 * for programs with no signal handling of their own; `km` always does it.
 *
 * @returns what takes it back.
 */
export function finishRefreshOnSignal(
  manager: AuthManager,
  target: SignalledProcess,
  { timeoutMs = FINISH_TIMEOUT_MS, clock = systemClock }: FinishOnSignalOptions = {},
): () => void {
  const uninstall = (): void => {
    for (const signal of SIGNALS) target.off(signal, finish);
  };
  const finish = (signal: NodeJS.Signals): void => {
    uninstall();
    void Promise.race([manager.stop(), sleep(clock, timeoutMs)]).finally(() =>
      target.kill(target.pid, signal),
    );
  };
  for (const signal of SIGNALS) target.on(signal, finish);
  return uninstall;
}
