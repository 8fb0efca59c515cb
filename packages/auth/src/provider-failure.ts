import { AuthError, type AuthErrorCode } from './auth-error.js';
import { TokenRequestError, type TokenRequestFailure } from './token-request-error.js';

/** A provider that fails in a way of its own may have been heard by the service: the answer is lost. */
export function asAuthError(thrown: unknown): AuthError {
  if (thrown instanceof AuthError) return thrown;
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `the token provider failed (${name}): see the cause, or try again later`,
    { isAnswerLost: true },
    { cause: thrown },
  );
}

/** What a provider tells that cannot ask: how it, or its issuer, is set up is found wrong before anything is sent. */
const UNSENT_CODES: readonly AuthErrorCode[] = [
  'KM_AUTH_CONFIGURATION',
  'KM_AUTH_INSECURE_ENDPOINT',
  'KM_AUTH_INVALID_OPTION',
];

/** What is known of a request that failed; `undefined` where nothing is. */
export function failureOf(error: AuthError): TokenRequestFailure | undefined {
  if (error instanceof TokenRequestError) return error.failure;
  return UNSENT_CODES.includes(error.code) ? { isAnswerLost: false } : undefined;
}
