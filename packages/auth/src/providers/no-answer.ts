import { TokenRequestError, type TokenRequestFailure } from '../token-request-error.js';

/** What was asked, as in `the start of a login`, and what the answer lacks to be one, as in `code`. */
export type Question = { readonly asked: string; readonly lacks: string };

/** The error for a body that answers nothing, although its status says that all went well. */
export function noAnswerError(
  origin: string,
  { asked, lacks }: Question,
  failure: TokenRequestFailure,
): TokenRequestError {
  return new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `${origin} answered ${asked} with something that is no ${lacks}: the network may ask to sign in first (a captive portal); try again later`,
    failure,
  );
}
