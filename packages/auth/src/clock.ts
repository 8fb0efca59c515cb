/** Time, as the library sees it. Tests bring one that they advance. */
export interface Clock {
  /** The wall clock: milliseconds since the epoch. It may jump. */
  nowMs(): number;
  /** A clock that only goes forward, in milliseconds from any start. It may stand still while the machine sleeps. */
  monotonicMs(): number;
  /**
   * Runs `callback` once, `delayMs` from now, and returns what cancels it.
   *
   * @param keepsAlive whether the process stays up for it.
   */
  schedule(callback: () => void, delayMs: number, keepsAlive: boolean): () => void;
}

/** The longest delay that Node's timers take: 2^31 - 1 ms. */
const MAX_TIMER_MS = 2_147_483_647;

/** The machine's own clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs() {
    // As fast as `performance.now()`, and nothing is loaded for it.
    const time = process.hrtime();
    return time[0] * 1_000 + time[1] / 1e6;
  },
  schedule(callback, delayMs, keepsAlive) {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    if (!keepsAlive) timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Resolves after `delayMs`, keeping the process up. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(resolve, delayMs, true);
  });
}
