/** What requests of `km` say of who sends them. */
export function userAgentOf(version: string): string {
  return `km/${version}`;
}
