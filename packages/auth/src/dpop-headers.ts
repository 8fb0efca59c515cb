import { AuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import { createProof, type ProofContext } from './dpop-proof.js';

/** The headers of one request. */
export type DpopHeaders = { readonly authorization: string; readonly dpop: string };

/**
 * What a request carries of a token that is bound to a key: the token, and a proof that is good for this request, once.
 * `createAuthenticatedClient` does this by itself; this is for clients of other kinds.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when the token is bound to no key; `KM_AUTH_INVALID_OPTION` when `url` is
 *   no absolute URL.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7.1 | RFC 9449 §7.1}
 */
export function createDpopHeaders(token: AuthToken, request: Omit<ProofContext, 'accessToken'>): DpopHeaders {
  const { proofKey } = token;
  if (proofKey === undefined)
    throw new AuthError(
      'KM_AUTH_CONFIGURATION',
      'the token is bound to no key, so that no proof can be made for it: send it as it is, or ask its issuer for tokens with dpop',
    );
  if (!URL.canParse(String(request.url)))
    throw new AuthError('KM_AUTH_INVALID_OPTION', 'a proof is for one URL: give an absolute one');
  const proof = createProof(proofKey, { ...request, accessToken: token.reveal() });
  return { authorization: token.authorization, dpop: proof };
}
