import { TokenRequestError, type TokenRequestFailure } from '../token-request-error.js';
import { noAnswerError } from './no-answer.js';
import { parseRefreshToken } from './token-answer.js';

/** An answer whose status says that all went well. */
export type EmptyAnswer = { readonly status: number; readonly text: string; readonly receivedAtMs: number };

/** What an answer without a token that can be used tells: what replaces the refresh token that was sent, where it has that. */
export function failureIn(
  grantType: string,
  { status, text, receivedAtMs }: EmptyAnswer,
): Pick<TokenRequestFailure, 'status' | 'successor'> {
  const successor = grantType === 'refresh_token' ? parseRefreshToken(text, receivedAtMs) : undefined;
  return { status, ...(successor !== undefined && { successor }) };
}

/**
 * The error for an answer that has no token to send. Where it has what replaces the refresh token that was sent, its
 * service has done the work, and that is not lost.
 */
export function noTokenError(origin: string, grantType: string, answer: EmptyAnswer): TokenRequestError {
  const failure = failureIn(grantType, answer);
  if (failure.successor === undefined) {
    const question = { asked: `the ${grantType} grant`, lacks: 'token' };
    return noAnswerError(origin, question, { ...failure, isAnswerLost: true });
  }
  return new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `${origin} answered the ${grantType} grant with a new refresh token, and with no access token that can be sent: the login goes on with the new one; try again later`,
    failure,
  );
}
