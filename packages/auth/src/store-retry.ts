import type { Clock } from './clock.js';

/** In milliseconds; twice as long after each failure. */
const FIRST_WAIT_MS = 250;
/** Others may meanwhile send, once more, the refresh token that one in memory has replaced, which ends the login. */
const LONGEST_WAIT_MS = 5_000;

/** When what could not be stored is tried again. Keeps no process up. */
export class StoreRetry {
  readonly #clock: Clock;
  readonly #store: () => void;
  #waitMs = FIRST_WAIT_MS;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, store: () => void) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Tries again later, unless that is to be already. */
  again(): void {
    if (this.#cancelTimer !== undefined) return;
    const retry = (): void => {
      this.#cancelTimer = undefined;
      this.#store();
    };
    this.#cancelTimer = this.#clock.schedule(retry, this.#waitMs, false);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }

  /** All is stored: the next failure is a first one. */
  reset(): void {
    this.#waitMs = FIRST_WAIT_MS;
  }

  cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
