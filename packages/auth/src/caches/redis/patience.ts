import type { Clock } from '../../clock.js';

const TICK_MS = 100;
/** The most that one tick counts: a process that got no turn meanwhile could not have seen the answer. */
const LONGEST_SIGHT_MS = 250;

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
    const clock = this.#clock;
    let cancel: () => void = () => undefined;
    let seenAtMs = clock.monotonicMs();
    const nextTickMs = (): number => Math.min(TICK_MS, this.#leftMs - reserveMs);
    const end = new Promise<never>((_, reject) => {
      const tick = (): void => {
        const nowMs = clock.monotonicMs();
        this.#leftMs -= Math.min(nowMs - seenAtMs, LONGEST_SIGHT_MS);
        seenAtMs = nowMs;
        if (this.#leftMs <= reserveMs) reject(tooLate());
        else cancel = clock.schedule(tick, nextTickMs(), true);
      };
      cancel = clock.schedule(tick, nextTickMs(), true);
    });
    try {
      return await Promise.race([answer, end]);
    } finally {
      cancel();
      this.#leftMs -= Math.min(clock.monotonicMs() - seenAtMs, LONGEST_SIGHT_MS);
    }
  }
}
