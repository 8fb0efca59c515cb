import type { AuthError } from './auth-error.js';
import type { SecurityReason } from './auth-event.js';
import { TokenRequestError } from './token-request-error.js';

/** "Expired or revoked", as Google has it for any end, or "invalid, expired, revoked", as RFC 6749 has it, says neither. */
const ONE_OF_BOTH =
  /(?:expired|revoked)(?:,?\s+or\s+|\s*[,/]\s*)(?:\w+(?:,?\s+or\s+|\s*[,/]\s*))?(?:(?:has|have|is|was|been)\s+)*(?:expired|revoked)/i;

/**
 * Whether a refused refresh token is a security event. RFC 6749 has one error for a refresh token that is
 * expired, revoked, or reused; only the description can tell, so only what it says outright counts.
 */
export function securityReasonOf(error: AuthError): SecurityReason | undefined {
  const said = error instanceof TokenRequestError ? (error.failure.oauthErrorDescription ?? '') : '';
  if (/re-?us/i.test(said)) return 'refresh-token-reused';
  if (/revoked/i.test(said) && !ONE_OF_BOTH.test(said)) return 'refresh-token-revoked';
  return undefined;
}
