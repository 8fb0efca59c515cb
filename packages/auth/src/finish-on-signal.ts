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

/** Ends one manager, and waits for it no longer than its time. */
type Finish = () => Promise<unknown>;

/** What one process waits for. Its signal is raised for all, so all must be known where it is heard. */
type Waiting = { readonly finishes: Set<Finish>; readonly uninstall: () => void };

const waitingOf = new WeakMap<SignalledProcess, Waiting>();

function listenTo(target: SignalledProcess): Waiting {
  const finishes = new Set<Finish>();
  const uninstall = (): void => {
    waitingOf.delete(target);
    for (const signal of SIGNALS) target.off(signal, finishAll);
  };
  const finishAll = (signal: NodeJS.Signals): void => {
    uninstall();
    void Promise.allSettled([...finishes].map((finish) => finish())).then(() =>
      target.kill(target.pid, signal),
    );
  };
  for (const signal of SIGNALS) target.on(signal, finishAll);
  return { finishes, uninstall };
}

/**
 * Lets a refresh that was sent finish before SIGINT, SIGTERM or SIGHUP ends the process: the answer is
 * waited for and stored, then the same signal is raised again. A second signal ends it at once. Opt-in,
 * for programs with no signal handling of their own; `km` always does it. A program with several managers calls it for
 * each: the signal is raised when the last of them has finished, or its time is over.
 *
 * @returns what takes it back.
 */
export function finishRefreshOnSignal(
  manager: AuthManager,
  target: SignalledProcess,
  { timeoutMs = FINISH_TIMEOUT_MS, clock = systemClock }: FinishOnSignalOptions = {},
): () => void {
  const waiting = waitingOf.get(target) ?? listenTo(target);
  waitingOf.set(target, waiting);
  const finish: Finish = () => Promise.race([manager.stop(), sleep(clock, timeoutMs)]);
  waiting.finishes.add(finish);
  return () => {
    if (waiting.finishes.delete(finish) && waiting.finishes.size === 0) waiting.uninstall();
  };
}
