/**
 * Lets the body of an answer go that nobody reads. One that cannot be let go, or not at once, keeps nobody from the next
 * answer.
 */
export function discardBody(response: Response): void {
  response.body?.cancel().catch(() => undefined);
}
