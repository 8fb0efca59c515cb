import type { AuthToken } from './auth-token.js';

/** The claims of a JWT that this library looks at. Read without verification: for display, never for decisions. */
export type TokenClaims = {
  /** Whom the token is about. */
  readonly subject?: string;
  /** The account's tier. */
  readonly tier?: string;
  readonly scopes?: readonly string[];
  /** `iat`, in milliseconds since the epoch, by the server's clock. */
  readonly issuedAtMs?: number;
  /** `exp`, in milliseconds since the epoch, by the server's clock. */
  readonly expiresAtMs?: number;
};

function secondsToMs(value: unknown): number | undefined {
  if (typeof value !== 'number') return undefined;
  const ms = value * 1_000;
  return Number.isFinite(ms) ? ms : undefined;
}

function scopesOf(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value)) return value.filter((scope): scope is string => typeof scope === 'string');
  return undefined;
}

/**
 * What `payload`, a JWT's claims set, says.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7519#section-4.1 | RFC 7519 §4.1}
 */
export function claimsOf(payload: Readonly<Record<string, unknown>>): TokenClaims {
  const { sub, tier, scope, iat, exp } = payload;
  const scopes = scopesOf(scope);
  const issuedAtMs = secondsToMs(iat);
  const expiresAtMs = secondsToMs(exp);
  return {
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof tier === 'string' && { tier }),
    ...(scopes !== undefined && { scopes }),
    ...(issuedAtMs !== undefined && { issuedAtMs }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** The claims of `token` as they stand, or `undefined` when it is no JWT. Nothing is verified. */
export function decodeClaims(token: AuthToken | string): TokenClaims | undefined {
  const parts = (typeof token === 'string' ? token : token.reveal()).split('.');
  const [, payload] = parts;
  if (parts.length !== 3 || payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? claimsOf(claims as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
