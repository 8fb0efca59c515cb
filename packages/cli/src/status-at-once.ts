import { join } from 'node:path';
import { runAuthStatus, type AuthStatusFlags } from './commands/auth-status.js';
import { givenValues, plainFlags } from './plain-flags.js';
import { runInProcess } from './process-context.js';

export { runAuthStatus };

const VALUED = ['profile', 'endpoint'] as const;

/**
 * `km auth status` with plain flags, which people and prompts ask for often: without the parser of all of `km`, which
 * takes as long as the status itself. Returns whether it runs; where it does not, nothing has been done.
 *
 * @param words what follows `km auth status`.
 */
export function answerStatus(words: readonly string[]): boolean {
  const flags = plainStatusFlags(words);
  if (flags === undefined) return false;
  runInProcess(
    (context) => runAuthStatus(flags, { ...context, commandName: () => 'auth status' }),
    join(__dirname, '..'),
  );
  return true;
}

/** The flags in `words` where they are plain; `undefined` otherwise: see {@link plainFlags}. */
export function plainStatusFlags(words: readonly string[]): AuthStatusFlags | undefined {
  const given = plainFlags(words, {
    valued: VALUED,
    switches: ['json', 'check', 'watch'],
  });
  if (given === undefined) return undefined;
  return {
    json: given.has('json'),
    check: given.has('check'),
    watch: given.has('watch'),
    ...givenValues(given, VALUED),
  };
}
