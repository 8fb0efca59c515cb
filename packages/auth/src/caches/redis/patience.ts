import type { Clock } from '../../clock.js';
import { countSeenTime } from '../../seen-time.js';

/** How long somebody waits in all. Only time in which an answer could have been seen counts. */
export class Patience {
  readonly #clock: Clock;
  #leftMs: number;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#leftMs = timeoutMs;
  }

  /** How much is left, in milliseconds. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /**
   * What `answer` brings; `tooLate` makes the error where patience ends first, but for `reserveMs`, which are kept for
   * another. Keeps the process up.
   */
  async waitFor<T>(answer: Promise<T>, tooLate: () => Error, reserveMs = 0): Promise<T> {
    let stop: () => number = () => 0;
    const end = new Promise<never>((_, reject) => {
      stop = countSeenTime(this.#clock, this.#leftMs - reserveMs, () => {
        reject(tooLate());
      });
    });
    try {
      return await Promise.race([answer, end]);
    } finally {
      this.#leftMs = reserveMs + stop();
    }
  }
}
