import type { Clock } from './clock.js';

/** A moment by both clocks: the wall clock notices that the machine slept, the other that it was set back. */
export type Moment = { readonly wallMs: number; readonly monotonicMs: number };

export function momentNow(clock: Clock): Moment {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/** Milliseconds from `then` to `now`, by the clock that says more. */
export function elapsedMs(then: Moment, now: Moment): number {
  return Math.max(now.wallMs - then.wallMs, now.monotonicMs - then.monotonicMs);
}

/** Milliseconds since then, by the clock that says more. */
export function sinceMs(then: Moment, clock: Clock): number {
  return elapsedMs(then, momentNow(clock));
}
