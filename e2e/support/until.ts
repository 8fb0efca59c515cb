import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export const LIMIT_MS = 45_000;
const POLL_MS = 20;
/** Where a look starts a program: more often, and there is no time for anything else. */
export const SELDOM_MS = 100;

/**
 * Waits until `read` gives something true, and gives that; `what` is for the failure. The limit only ends what would
 * wait for ever: a busy machine takes its time.
 */
export async function until<T>(
  what: string,
  read: () => T | Promise<T>,
  limitMs = LIMIT_MS,
  pollMs = POLL_MS,
): Promise<T> {
  const endsAtMs = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (performance.now() > endsAtMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await delay(pollMs);
  }
}

/** Whether a process runs: one that has ended and was not yet buried does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
