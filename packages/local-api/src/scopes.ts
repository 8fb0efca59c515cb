import * as v from 'valibot';
import { OAuthError } from './oauth-error.js';

/** The scopes this API knows. */
export const KNOWN_SCOPES = ['monitoring', 'plugins', 'default'] as const;

/** What a token may be used for. */
export type Scope = (typeof KNOWN_SCOPES)[number];

/** What a request may say of scopes: see {@link parseScopes}. */
export const ScopeList = v.optional(
  v.union([v.string(), v.array(v.string())], 'a list of scopes, or one text'),
);

const DEFAULT_SCOPES: readonly Scope[] = ['default'];

function isScope(text: string): text is Scope {
  return (KNOWN_SCOPES as readonly string[]).includes(text);
}

/**
 * The set of scopes a request asks for, as an array or one space-separated string; `default` when it asks for none.
 *
 * @throws {OAuthError} `invalid_scope` when one of them is not known.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-3.3 | RFC 6749 §3.3}
 */
export function parseScopes(
  requested: string | readonly string[] | undefined,
  fallback: readonly Scope[] = DEFAULT_SCOPES,
): readonly Scope[] {
  const words = (typeof requested === 'string' ? [requested] : (requested ?? []))
    .flatMap((text) => text.split(' '))
    .filter((word) => word !== '');
  if (words.length === 0) return fallback;
  const unknown = words.find((word) => !isScope(word));
  if (unknown !== undefined) {
    throw new OAuthError('invalid_scope', `unknown scope; this API knows ${KNOWN_SCOPES.join(', ')}`);
  }
  return [...new Set(words.filter(isScope))];
}

/**
 * The scopes for one token out of those granted.
 *
 * @throws {OAuthError} `invalid_scope` when more is asked for than was granted.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-6 | RFC 6749 §6}
 */
export function narrowScopes(
  requested: string | readonly string[] | undefined,
  granted: readonly Scope[],
): readonly Scope[] {
  const wanted = parseScopes(requested, granted);
  if (wanted.some((scope) => !granted.includes(scope))) {
    throw new OAuthError('invalid_scope', `the grant covers only ${granted.join(', ')}`);
  }
  return wanted;
}

/** Scopes as one word list, as they are stored and as they stand in a JWT. */
export function formatScopes(scopes: readonly Scope[]): string {
  return scopes.join(' ');
}

/** Reads stored scopes. */
export function readScopes(text: string): readonly Scope[] {
  return text.split(' ').filter(isScope);
}
