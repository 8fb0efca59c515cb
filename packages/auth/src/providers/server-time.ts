/** Local clock minus the server's, in milliseconds, from the answer's `Date`; `undefined` where it has none. */
export function clockSkewMs(dateHeader: string | undefined, receivedAtMs: number): number | undefined {
  if (dateHeader === undefined) return undefined;
  const serverMs = Date.parse(dateHeader);
  // `Date` has whole seconds, cut off: on average half a second was lost.
  return Number.isNaN(serverMs) ? undefined : receivedAtMs - (serverMs + 500);
}

/**
 * How long `Retry-After` asks to wait, in milliseconds: seconds, or a date by the server's clock. `undefined` where it is
 * neither.
 *
 * @param receivedAtMs when the answer came by the clock of this machine, in milliseconds since the epoch.
 * @param skewMs that clock minus the server's, in milliseconds, where it is known.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 | RFC 9110 §10.2.3}
 */
export function retryAfterMs(
  header: string | undefined,
  receivedAtMs: number,
  skewMs: number | undefined,
): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  // All three forms of an HTTP date have a time of day. `Date.parse` would take "1.5" for one in January.
  const untilMs = /\d\d:\d\d:\d\d/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs - (receivedAtMs - (skewMs ?? 0)));
}
