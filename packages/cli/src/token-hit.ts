import { fstatSync } from 'node:fs';
import { systemClock } from '@kilometers/auth';
import { findToken } from './token-hit/find-token.js';
import { plainTokenFlags } from './token-hit/plain-token-flags.js';
import { answerOrFail } from './write-at-once.js';

const STDERR = 2;

/**
 * `km auth token` where the token is at hand, which is what scripts do most: without the rest of `km`. Resolves with
 * whether that was all, and the exit code is set; where it was not, nothing has been printed but what was repaired.
 *
 * @param words what follows `km auth token`.
 */
export async function answerAtOnce(words: readonly string[]): Promise<boolean> {
  const flags = plainTokenFlags(words);
  if (flags === undefined) return false;
  const notices: string[] = [];
  const text = await findToken(flags, {
    environment: process.env,
    clock: systemClock,
    random: Math.random,
    tell: (message) => {
      notices.push(`km: ${message}\n`);
    },
    isWatched: isTerminal,
  }).catch(() => undefined);
  if (notices.length > 0) await new Promise((resolve) => process.stderr.write(notices.join(''), resolve));
  if (text === undefined) return false;
  await answerOrFail(`${text}\n`, process);
  return true;
}

/** Node's module for terminals takes milliseconds to load: it is asked only where there may be one. */
function isTerminal(): boolean {
  return fstatSync(STDERR).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(STDERR);
}
