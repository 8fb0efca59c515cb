const LONGEST = 80;

/** What no terminal should get: controls, what turns the direction of text, what nobody has defined, and line ends. */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** What a server wrote, fit for a terminal: letters of any script, cut; `undefined` where there is nothing to show. */
export function printable(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  // Of characters, not of halves of them.
  const clean = Array.from(text.replace(UNFIT, ' ').trim()).slice(0, LONGEST).join('');
  return clean === '' ? undefined : clean;
}
