/** Something the demo needs is missing or taken; the message says what, and what to do. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}
