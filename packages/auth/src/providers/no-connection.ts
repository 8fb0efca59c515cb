import { TokenRequestError } from '../token-request-error.js';
import type { TransportError } from './http-transport.js';

/** The error for a request to which no whole answer came. */
export function noConnectionError(origin: string, error: TransportError): TokenRequestError {
  const what = error.wasSent ? 'did not answer' : 'cannot be reached';
  return new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `${origin} ${what}: ${error.message}; check the network, or try again later`,
    { isAnswerLost: error.wasSent },
    { cause: error },
  );
}
