import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import { whenAborted } from './when-aborted.js';

/** What `stop` ends: the waits for another try and for a lock that another process holds, and what did not begin to send. */
export class StoppableWaits {
  readonly #clock: Clock;
  /** Made with the first wait: most processes have none. */
  #ending: AbortController | undefined;
  readonly #reasons = new WeakSet<AuthError>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Aborted once the waits end. */
  get signal(): AbortSignal {
    this.#ending ??= new AbortController();
    return this.#ending.signal;
  }

  /** Ends them, and those that would begin from now on. */
  end(): void {
    const stopped = new AuthError(
      'KM_AUTH_LOCK_TIMEOUT',
      'this manager was stopped while it waited to ask for a token: no request was begun since; try again later',
    );
    this.#reasons.add(stopped);
    this.#ending ??= new AbortController();
    this.#ending.abort(stopped);
  }

  /** Whether `error` says that `stop` ended a wait, and nothing else. */
  isEnd(error: unknown): boolean {
    return error instanceof AuthError && this.#reasons.has(error);
  }

  /** Lets new ones begin. */
  resume(): void {
    this.#ending = undefined;
  }

  /** Waits, and keeps the process up. Whether the wait ran its whole time. */
  wait(delayMs: number): Promise<boolean> {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (isWhole: boolean): void => {
        cancel();
        cancelAbort();
        resolve(isWhole);
      };
      const cancel = this.#clock.schedule(
        () => {
          finish(true);
        },
        delayMs,
        true,
      );
      const cancelAbort = whenAborted(signal, () => {
        finish(false);
      });
    });
  }
}
