import { randomUUID } from 'node:crypto';
import type { OAuthGrant } from './oauth-options.js';
import { loadSigningKey } from './signing-key.js';

/** Long enough for clocks that differ a little; servers allow an hour at most, in seconds. */
const LIFETIME_SECONDS = 300;

/** What an assertion says besides what the grant does. */
export type AssertionContext = {
  readonly clientId: string;
  readonly audience: string;
  /** Where the server wants them in the assertion. */
  readonly scopes: readonly string[];
  /** The issuer's time. */
  readonly nowMs: number;
};

/**
 * Signs the assertion of a JWT bearer grant.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when the key cannot be used.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7523#section-3 | RFC 7523 §3}
 */
export async function signAssertion(
  grant: OAuthGrant & { type: 'jwt_bearer' },
  { clientId, audience, scopes, nowMs }: AssertionContext,
): Promise<string> {
  const { key, algorithm, keyId, email } = await loadSigningKey(grant);
  const { SignJWT } = await import('jose');
  const issuer = grant.assertionIssuer ?? email ?? clientId;
  const nowSeconds = Math.floor(nowMs / 1_000);
  return new SignJWT(scopes.length === 0 ? {} : { scope: scopes.join(' ') })
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(issuer)
    .setSubject(grant.subject ?? issuer)
    .setAudience(audience)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + LIFETIME_SECONDS)
    .setJti(randomUUID())
    .sign(key);
}
