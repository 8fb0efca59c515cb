import { TokenRequestError } from '../../token-request-error.js';
import { isTryLaterStatus } from '../../try-later-status.js';
import { noAnswerError } from '../no-answer.js';
import type { WireAnswer } from './issuer-wire.js';

/** Where no document was found, what the last answer says of that. Nothing that is good once was sent: what comes of it is known. */
export function undiscovered(issuer: URL, answer: WireAnswer | undefined): TokenRequestError {
  const { status = 0, retryAfterMs: rest } = answer ?? {};
  const failure = { status, isAnswerLost: false, ...(rest !== undefined && { retryAfterMs: rest }) };
  if (status === 200) {
    const question = { asked: 'the question for its endpoints', lacks: 'discovery document' };
    return noAnswerError(issuer.origin, question, failure);
  }
  if (status >= 300 && status < 400) {
    return new TokenRequestError(
      'KM_AUTH_UNREACHABLE',
      `${issuer.href} sends elsewhere for its discovery document (status ${String(status)}), and that is not followed: sign in to the network if it asks for that, or give the issuer's own address`,
      failure,
    );
  }
  return isTryLaterStatus(status)
    ? new TokenRequestError(
        'KM_AUTH_UNREACHABLE',
        `${issuer.href} does not tell its endpoints now (status ${String(status)}): try again later`,
        failure,
      )
    : new TokenRequestError(
        'KM_AUTH_CONFIGURATION',
        `${issuer.href} publishes no discovery document (status ${String(status)}): check the issuer, or give its endpoints by hand, as with \`km auth login --token-endpoint\``,
        failure,
      );
}
