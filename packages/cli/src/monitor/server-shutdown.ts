import type { Clock } from '@kilometers/auth';
import { isMessage } from '../passed-signals.js';
import type { ServerProcess } from './server-process.js';

/** How long a server may take to end after its input was closed, while it says nothing. */
const CLOSE_GRACE_MS = 2_000;
/** How much longer for one that still has something to do: it has not begun to speak, or owes an answer. */
const EXTRA_GRACE_MS = 8_000;
/** How long it may take though it goes on to speak, or to owe an answer. */
const MOST_GRACE_MS = 600_000;
/**
 * How long it may take after the first signal, and all it started with it. An MCP client kills `km` two seconds after its
 * own SIGTERM: they must be gone by then, for nobody would be left to end them.
 */
const TERMINATE_GRACE_MS = 1_500;
/** How often it is asked whether somebody is left. */
const POLL_MS = 20;

/**
 * Sees to it that the server ends, and everyone it started.
 *
 * @see {@link https://modelcontextprotocol.io/specification/2025-06-18/basic/lifecycle#stdio | MCP, shutdown over stdio}
 */
export class ServerShutdown {
  readonly #server: Pick<ServerProcess, 'stdin' | 'signal' | 'signalGroup'>;
  readonly #clock: Clock;
  readonly #isBusy: () => boolean;
  #cancelTimer: (() => void) | undefined;
  /** When who is left is killed, on the monotonic clock. Set once: a server that goes gives its group no more time. */
  #killAtMs: number | undefined;
  /** When one that has not ended by itself gets a signal at the latest, on the monotonic clock. */
  #signalAtMs: number | undefined;
  #hasSignalled = false;
  #stage: 'running' | 'closing' | 'terminating' = 'running';

  constructor(
    server: Pick<ServerProcess, 'stdin' | 'signal' | 'signalGroup'>,
    options: { readonly clock: Clock; readonly isBusy: () => boolean },
  ) {
    this.#server = server;
    this.#clock = options.clock;
    this.#isBusy = options.isBusy;
  }

  /** Whether the end was asked for, by whomever. */
  get isUnderWay(): boolean {
    return this.#stage !== 'running';
  }

  /** Closes the server's input and gives it time to end by itself. */
  close(): void {
    this.#server.stdin.end();
    if (this.#stage === 'terminating') return;
    this.#stage = 'closing';
    this.#signalAtMs ??= this.#clock.monotonicMs() + MOST_GRACE_MS;
    this.#restartCloseTimer();
  }

  /** The server is still talking to a client that listens: it has not had its time yet. */
  noteActivity(): void {
    if (this.#stage === 'closing') this.#restartCloseTimer();
  }

  /** Whether a signal was sent to the server, so that its exit code says nothing against it. */
  get hasSignalled(): boolean {
    return this.#hasSignalled;
  }

  /** Passes on a signal that `km` got. */
  forward(signal: NodeJS.Signals): void {
    // What does not mean the end is for the server, as without km: it would end others that know nothing of it.
    if (isMessage(signal)) {
      this.#server.signal(signal);
      return;
    }
    this.#hasSignalled = true;
    // What SIGINT means is for the server to say; SIGTERM, SIGHUP and SIGQUIT mean the end.
    if (signal === 'SIGINT') this.#server.signalGroup(signal);
    else this.#terminate(signal);
  }

  /** Ends what is left of the group once the server itself is gone. Resolves when nobody is left, or was told to go. */
  async endGroup(): Promise<void> {
    this.#cancelTimer?.();
    if (!this.#server.signalGroup('SIGTERM')) return;
    const killAtMs = (this.#killAtMs ??= this.#clock.monotonicMs() + TERMINATE_GRACE_MS);
    while (this.#clock.monotonicMs() < killAtMs) {
      await new Promise<void>((resolve) => this.#clock.schedule(resolve, POLL_MS, true));
      if (!this.#server.signalGroup(0)) return;
    }
    this.#server.signalGroup('SIGKILL');
  }

  #restartCloseTimer(): void {
    this.#closeTimer(CLOSE_GRACE_MS, (leftMs) => {
      // Asked only then: what it has to do is known a moment after its input was closed.
      if (leftMs <= 0 || !this.#isBusy()) this.#terminate('SIGTERM');
      else this.#closeTimer(EXTRA_GRACE_MS, () => this.#terminate('SIGTERM'));
    });
  }

  /** Tells `then` how much is left of all the time that there is. */
  #closeTimer(graceMs: number, then: (leftMs: number) => void): void {
    const leftMs = () => (this.#signalAtMs ?? Infinity) - this.#clock.monotonicMs();
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.schedule(
      () => then(leftMs()),
      Math.max(0, Math.min(graceMs, leftMs())),
      true,
    );
  }

  #terminate(signal: NodeJS.Signals): void {
    this.#hasSignalled = true;
    this.#server.signalGroup(signal);
    this.#stage = 'terminating';
    if (this.#killAtMs !== undefined) return;
    this.#killAtMs = this.#clock.monotonicMs() + TERMINATE_GRACE_MS;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.schedule(
      () => this.#server.signalGroup('SIGKILL'),
      TERMINATE_GRACE_MS,
      true,
    );
  }
}
