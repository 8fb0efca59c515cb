import { TokenRequestError } from '../token-request-error.js';
import { noAnswerError } from './no-answer.js';
import { parseRefreshToken } from './token-answer.js';

/** An answer whose status says that all went well. */
export type EmptyAnswer = { readonly status: number; readonly text: string; readonly receivedAtMs: number };

/**
 * The error for an answer that has no token to send. Where it has what replaces the refresh token that was sent, its
 * service has done the work, and that is not lost.
 */
export function noTokenError(
  origin: string,
  grantType: string,
  { status, text, receivedAtMs }: EmptyAnswer,
): TokenRequestError {
  const successor = grantType === 'refresh_token' ? parseRefreshToken(text, receivedAtMs) : undefined;
  if (successor === undefined) {
    const question = { asked: `the ${grantType} grant`, lacks: 'token' };
    return noAnswerError(origin, question, { status, isAnswerLost: true });
  }
  return new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `${origin} answered the ${grantType} grant with a new refresh token, and with no access token that can be sent: the login goes on with the new one; try again later`,
    { status, successor },
  );
}
