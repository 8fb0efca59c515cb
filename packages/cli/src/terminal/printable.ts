const LONGEST = 80;

/** What a server wrote, fit for a terminal; `undefined` where there is nothing to show. */
export function printable(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const clean = text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, LONGEST);
  return clean === '' ? undefined : clean;
}
