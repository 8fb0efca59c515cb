import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RandomBytes } from './secrets.js';

/** The machine's clock, in ms since the epoch. */
export const systemClock = (): number => Date.now();

/** Waits on the machine's timers; rejects at once when `signal` aborts. */
export async function systemSleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}

/** The machine's own randomness. */
export const systemRandom: RandomBytes = (size) => randomBytes(size);
