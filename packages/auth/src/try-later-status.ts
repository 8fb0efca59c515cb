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
 * Whether a status says that the server did nothing of what it was asked. Other ones of a gateway (502, 504, 520, 524) may come
 * after the server behind it was asked.
 */
export function saysNothingWasDone(status = 0): boolean {
  return (status >= 300 && status < 500) || status === 503;
}
