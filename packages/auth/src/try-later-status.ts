import type { TokenRequestFailure } from './token-request-error.js';

/** Statuses below 500 after which the same request may work later. */
const TRY_LATER_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Whether an HTTP status says that the same request may work later.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-15 | RFC 9110 §15}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8470#section-5.2 | RFC 8470 §5.2}
 */
export function isTryLaterStatus(status: number): boolean {
  return status >= 500 || TRY_LATER_STATUSES.has(status);
}

/**
 * Whether what was asked for with a request that failed may have been done all the same. A refusal of the server says that it
 * was not, and so does a 503 with `Retry-After`. One without may be a gateway's whose connection broke after it had sent the
 * request on, as other 5xx (502, 504, 520, 524) may.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4 | RFC 9110 §15.6.4}
 */
export function mayHaveBeenDone({ status = 0, retryAfterMs, isAnswerLost }: TokenRequestFailure): boolean {
  if (isAnswerLost !== undefined) return isAnswerLost;
  const isRefused = (status >= 300 && status < 500) || (status === 503 && retryAfterMs !== undefined);
  return !isRefused;
}
