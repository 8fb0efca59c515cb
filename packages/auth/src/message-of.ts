/**
 * What a failure says, without what only wraps it: of a `fetch` that failed what happened to it, and of a host with several
 * addresses what happened at the first.
 */
export function messageOf(error: unknown): string {
  const isOfMany = error instanceof AggregateError;
  const within: unknown = isOfMany ? error.errors[0] : error instanceof TypeError && error.cause;
  if (within instanceof Error) return messageOf(within);
  return (error instanceof Error && error.message) || String(error);
}
