import { scopeTokens } from '@kilometers/auth';
import { wrongUsage } from './wrong-usage.js';

/**
 * The words of all `--scope` flags of a login, each once, in their order.
 *
 * @throws {CliError} where one is empty, which is mostly a variable that is not set; {@link AuthError}
 *   `KM_AUTH_INVALID_OPTION` where one is no scope.
 */
export function askedScopes(given: readonly string[] | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  if (given.some((text) => text.trim() === ''))
    throw wrongUsage('--scope is empty: give a value, or leave it out');
  const words = given.flatMap((text) => text.split(' ')).filter((word) => word !== '');
  scopeTokens(words);
  return [...new Set(words)];
}
