import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const MAX_AGE_MS = 60_000;

/** A name beside `path` for what is written before it is whole. */
export function temporaryName(path: string): string {
  return `${path}.tmp-${randomBytes(6).toString('hex')}`;
}

/** Removes what is there; what is not, or cannot be, stays so. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nobody waits for it to be gone.
  }
}

/** Removes what killed writers left beside `path`. */
export function sweepTemporaries(path: string, nowMs: number): void {
  const folder = dirname(path);
  const start = `${basename(path)}.tmp-`;
  try {
    for (const name of readdirSync(folder).filter((other) => other.startsWith(start))) {
      const left = join(folder, name);
      const stats = statSync(left, { throwIfNoEntry: false });
      if (stats !== undefined && nowMs - stats.mtimeMs > MAX_AGE_MS) removeQuietly(left);
    }
  } catch {
    // The next writer will.
  }
}
