import { writeSync } from 'node:fs';
import { systemClock } from '@kilometers/auth';
import { findToken } from './token-hit/find-token.js';
import { plainTokenFlags } from './token-hit/plain-token-flags.js';

const STDOUT = 1;

/**
 * `km auth token` where the token is at hand, which is what scripts do most: without the rest of `km`. Resolves with
 * whether that was all; where it was not, nothing has been printed.
 *
 * @param words what follows `km auth token`.
 */
export async function answerAtOnce(words: readonly string[]): Promise<boolean> {
  const flags = plainTokenFlags(words);
  if (flags === undefined) return false;
  const text = await findToken(flags, {
    environment: process.env,
    clock: systemClock,
    random: Math.random,
    tell: (message) => {
      process.stderr.write(`km: ${message}\n`);
    },
  }).catch(() => undefined);
  if (text === undefined) return false;
  print(`${text}\n`);
  return true;
}

/** Writes without Node's stream, which takes a millisecond to be made, unless the other end is not ready. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
  } catch (error) {
    // A reader that went away is no failure of ours.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    process.stdout.on('error', () => undefined);
    process.stdout.write(bytes.subarray(written));
  }
}
