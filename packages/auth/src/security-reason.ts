import type { AuthError } from './auth-error.js';
import type { SecurityReason } from './auth-event.js';
import { TokenRequestError } from './token-request-error.js';

/**
 * Whether a refused refresh token is a security event. RFC 6749 has one error for a refresh token that is
 * expired, revoked, or reused; only the description can tell, so only what it says outright counts.
 */
export function securityReasonOf(error: AuthError): SecurityReason | undefined {
  const said = error instanceof TokenRequestError ? (error.failure.oauthErrorDescription ?? '') : '';
  if (/re-?us/i.test(said)) return 'refresh-token-reused';
  // "Expired or revoked", as Google has it for any end, says neither.
  if (/revoked/i.test(said) && !/expired/i.test(said)) return 'refresh-token-revoked';
  return undefined;
}
