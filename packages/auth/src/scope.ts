import { AuthError } from './auth-error.js';

/** What a token is for: one scope, several separated by spaces, or a list. A set: order does not matter. */
export type Scope = string | readonly string[];

/** The scope asked for where a caller names none. */
export const DEFAULT_SCOPE = 'default';

/** What a login at the Kilometers API asks for where it is told nothing: all that `km` does there. */
export const LOGIN_SCOPES: readonly string[] = [DEFAULT_SCOPE, 'monitoring', 'plugins'];

/** RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether `token` has no character that none may have. */
export function isScopeToken(token: string): boolean {
  return SCOPE_TOKEN.test(token);
}

/**
 * The scope tokens of `scope`, sorted, each once.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when it is empty or has a character no scope may have.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-3.3 | RFC 6749 §3.3}
 */
export function scopeTokens(scope: Scope): readonly string[] {
  const tokens = typeof scope === 'string' ? scope.split(' ').filter((token) => token !== '') : [...scope];
  const wrong = tokens.find((token) => !isScopeToken(token));
  if (wrong !== undefined || tokens.length === 0) {
    throw new AuthError(
      'KM_AUTH_INVALID_OPTION',
      `scope ${JSON.stringify(wrong ?? '')} is not a scope: give one or more words such as "monitoring", without quotes, backslashes or control characters`,
    );
  }
  return [...new Set(tokens)].sort();
}

/** The one spelling of a scope set under which its token is kept. */
export function scopeKey(scope: Scope): string {
  return scopeTokens(scope).join(' ');
}

/** Whether every scope of `wanted` is in `held`. */
export function coversScopes(held: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((token) => held.includes(token));
}
