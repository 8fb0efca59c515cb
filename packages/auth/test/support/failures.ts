import { TokenRequestError, type TokenRequestFailure } from '../../src/index.js';

/** The service is overloaded, or has asked for a rest. */
export function overloaded(failure: TokenRequestFailure = {}): TokenRequestError {
  return new TokenRequestError('KM_AUTH_UNREACHABLE', 'the service answered 503', {
    status: 503,
    ...failure,
  });
}

/** The connection could not even be opened. */
export function offline(): TokenRequestError {
  return new TokenRequestError('KM_AUTH_UNREACHABLE', 'connection refused', { isAnswerLost: false });
}

/** The request was sent; whether it was carried out is not known. */
export function answerLost(): TokenRequestError {
  return new TokenRequestError('KM_AUTH_UNREACHABLE', 'socket hang up', { isAnswerLost: true });
}

/** The credential, or the refresh token, is not good. */
export function invalidGrant(description?: string): TokenRequestError {
  return new TokenRequestError('KM_AUTH_GRANT_REJECTED', `invalid_grant (${description ?? 'gone'})`, {
    status: 400,
    oauthError: 'invalid_grant',
    ...(description !== undefined && { oauthErrorDescription: description }),
  });
}

/** The client, or the endpoint, is set up wrongly. */
export function invalidClient(): TokenRequestError {
  return new TokenRequestError('KM_AUTH_CONFIGURATION', 'invalid_client: check the endpoint', {
    status: 401,
    oauthError: 'invalid_client',
  });
}
