import type { Clock } from './clock.js';

const TICK_MS = 100;
/** The most that one tick counts: a process that got no turn meanwhile could not have seen the answer. */
const LONGEST_SIGHT_MS = 250;

/**
 * Runs `onOver` once `limitMs` have gone by in which this process could have seen an answer: not while it was stopped, or
 * the machine asleep. What had arrived by then is handled first. Keeps the process up.
 *
 * @returns what ends it, and says how much was left, in milliseconds.
 */
export function countSeenTime(clock: Clock, limitMs: number, onOver: () => void): () => number {
  let leftMs = limitMs;
  let seenAtMs = clock.monotonicMs();
  const look = (): void => {
    const nowMs = clock.monotonicMs();
    leftMs -= Math.min(nowMs - seenAtMs, LONGEST_SIGHT_MS);
    seenAtMs = nowMs;
  };
  const nextTick = (): (() => void) => clock.schedule(tick, Math.min(TICK_MS, leftMs), true);
  const tick = (): void => {
    look();
    // Not in this turn: timers come before what the sockets have.
    cancel = leftMs > 0 ? nextTick() : clock.schedule(onOver, 0, true);
  };
  let cancel = nextTick();
  return () => {
    cancel();
    look();
    return leftMs;
  };
}
