import { GAP, LABEL } from './escaped-text.js';
import { searchForward } from './search-forward.js';
import { isRestOfHeader, nameBefore, SplitKeyReader } from './split-keys.js';

/** @see {@link https://www.rfc-editor.org/rfc/rfc7468 | RFC 7468} */
const PRIVATE_KEY = new RegExp(`-----BEGIN${LABEL}PRIVATE${GAP}KEY(?:${GAP}BLOCK)?-----`, 'g');
const END_OF_KEY = new RegExp(`-----END${LABEL}-----`, 'g');
const QUOTE = /"/g;

/** `text` without private keys, with `replacement` in the place of each, or of each string that has a part of one. */
export function withoutPrivateKeys(
  text: string,
  replacement: string,
): { readonly text: string; readonly count: number } {
  const parts: string[] = [];
  const nextEnd = searchForward(text, END_OF_KEY);
  const nextQuote = searchForward(text, QUOTE);
  const reader = new SplitKeyReader(text, nextEnd);
  let at = 0;
  for (const { index, 0: header } of text.matchAll(PRIVATE_KEY)) {
    // Inside the key before, which had no end.
    if (index < at) continue;
    parts.push(text.slice(at, index), replacement);
    const [end, quote] = [nextEnd(index), nextQuote(index)];
    if (end !== undefined && (quote === undefined || end.index < quote.index)) {
      at = end.index + end[0].length;
      continue;
    }
    // To the end of the string that it is in.
    at = quote?.index ?? text.length;
    while (text[at - 1] === '\\') at -= 1;
    if (!isRestOfHeader(text.slice(index + header.length, at))) continue;
    for (const { kept, length, isLast } of reader.stringsAfter(at, nameBefore(text, index))) {
      parts.push(kept, replacement);
      at += length;
      if (isLast) break;
    }
  }
  return { text: [...parts, text.slice(at)].join(''), count: parts.length / 2 };
}
