import type { AuthorizationServer } from 'oauth4webapi';
import { AuthError } from '../../auth-error.js';
import { createProofKey, PROOF_ALGORITHM } from '../../dpop-proof.js';
import type { Secret } from '../../secret.js';
import type { OAuthSettings } from './oauth-settings.js';

/**
 * A new key to bind tokens to, where tokens of this server are to be bound.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when they must be and cannot: said before a refresh token is used up for
 *   one that would not do.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-5.1 | RFC 9449 §5.1}
 */
export function newProofKey(
  server: AuthorizationServer,
  { dpop, endpoints }: Pick<OAuthSettings, 'dpop' | 'endpoints'>,
): Secret | undefined {
  if (dpop === false) return undefined;
  const offered = server.dpop_signing_alg_values_supported;
  if (offered?.includes(PROOF_ALGORITHM) === true) return createProofKey();
  if (dpop === 'if-offered') return undefined;
  // Where nothing was discovered nobody could say so.
  if (endpoints.token !== undefined) return createProofKey();
  throw new AuthError(
    'KM_AUTH_CONFIGURATION',
    offered === undefined
      ? `${server.issuer} does not say that it binds tokens to keys: switch DPoP on there, or do not ask for dpop`
      : `${server.issuer} takes no proofs signed with ${PROOF_ALGORITHM}: do not ask for dpop here`,
  );
}
