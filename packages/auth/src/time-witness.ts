import type { Clock } from './clock.js';

/** Whether a time, in milliseconds since the epoch, has come, as far as a process saw it pass. */
export type TimeWitness = (atMs: number) => boolean;

/**
 * Begins to watch the time. A time counts as passed once both clocks say so: the wall clock alone may have been put right,
 * and the monotonic one saw only what passed since. What came before, or while the machine slept, nobody has seen.
 */
export function watchTime(clock: Clock): TimeWitness {
  const beganAtMs = clock.nowMs();
  const beganAtMonotonicMs = clock.monotonicMs();
  return (atMs) => {
    const leftMs = atMs - beganAtMs;
    return atMs <= clock.nowMs() && leftMs > 0 && clock.monotonicMs() - beganAtMonotonicMs >= leftMs;
  };
}
