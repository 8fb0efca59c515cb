import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import type { LockOptions } from './ports.js';
import { whenAborted } from './when-aborted.js';

/** How a turn is waited for; see `LockOptions`. */
type TurnOptions = Pick<LockOptions<unknown>, 'timeoutMs' | 'signal'>;

/** The tasks of this process that are for one grant: each takes its turn when those before it have ended. */
export class TaskLine {
  readonly #clock: Clock;
  /** The end of the line; `undefined` where nobody stands in it. */
  #last: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `task` when its turn has come.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT` when that takes longer than `timeoutMs`. The reason of `signal`.
   */
  async run<T>(task: () => Promise<T>, options: TurnOptions): Promise<T> {
    const leave = await this.#takeTurn(options);
    try {
      return await task();
    } finally {
      leave();
    }
  }

  async #takeTurn({ timeoutMs, signal }: TurnOptions): Promise<() => void> {
    const before = this.#last;
    let release!: () => void;
    const turn = new Promise<void>((resolve) => (release = resolve));
    const after = (before ?? Promise.resolve()).then(() => turn);
    this.#last = after;
    const leave = (): void => {
      release();
      // Not before those ahead have left, too: who gives up must not open the way for the next one.
      void after.then(() => {
        if (this.#last === after) this.#last = undefined;
      });
    };
    if (before === undefined) return leave;
    let cancel: () => void = () => undefined;
    const gaveUp = new Promise<boolean>((resolve) => {
      const giveUp = (): void => {
        resolve(true);
      };
      const cancelTimeout = this.#clock.schedule(giveUp, timeoutMs, true);
      const cancelAbort = signal && whenAborted(signal, giveUp);
      cancel = () => {
        cancelTimeout();
        cancelAbort?.();
      };
    });
    const hasGivenUp = await Promise.race([before.then(() => false), gaveUp]);
    cancel();
    if (!hasGivenUp) return leave;
    leave();
    signal?.throwIfAborted();
    throw new AuthError(
      'KM_AUTH_LOCK_TIMEOUT',
      `another task of this process has held the grant's lock for more than ${String(timeoutMs)} ms; try again`,
    );
  }
}
