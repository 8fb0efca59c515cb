import type { Clock } from './clock.js';

/** In milliseconds; twice as long after each failure. */
const FIRST_WAIT_MS = 250;
/** Others may meanwhile send, once more, the refresh token that one in memory has replaced, which ends the login. */
const LONGEST_WAIT_MS = 5_000;
/** Without one in memory nothing can be lost that is not won again, and a try may be dear: a locked keyring is asked for the key. */
const LONGEST_WAIT_WITHOUT_LOGIN_MS = 60_000;

export type StoreRetryOptions = {
  readonly clock: Clock;
  readonly store: () => Promise<unknown>;
  /** Whether what could not be stored has a refresh token. */
  readonly hasLogin: () => boolean;
};

/** When what could not be stored is tried again. Keeps no process up. */
export class StoreRetry {
  readonly #options: StoreRetryOptions;
  #waitMs = FIRST_WAIT_MS;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(options: StoreRetryOptions) {
    this.#options = options;
  }

  /** Tries again later, unless that is to be already, and soon enough. */
  again(): void {
    const { clock, store, hasLogin } = this.#options;
    const nowMs = clock.monotonicMs();
    const isTooLong = (ms: number): boolean => ms > LONGEST_WAIT_MS && hasLogin();
    if (this.#timer !== undefined && !isTooLong(this.#timer.atMs - nowMs)) return;
    this.cancel();
    const retry = (): void => {
      this.#timer = undefined;
      void store();
    };
    const waitMs = isTooLong(this.#waitMs) ? LONGEST_WAIT_MS : this.#waitMs;
    this.#timer = { atMs: nowMs + waitMs, cancel: clock.schedule(retry, waitMs, false) };
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_WITHOUT_LOGIN_MS);
  }

  /** All is stored: the next failure is a first one. */
  reset(): void {
    this.cancel();
    this.#waitMs = FIRST_WAIT_MS;
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
