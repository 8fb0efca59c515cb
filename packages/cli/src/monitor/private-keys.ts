import { BASE64, GAP } from './escaped-text.js';

const LABEL = String.raw`${GAP}[A-Z0-9 +%]{0,40}`;
/** @see {@link https://www.rfc-editor.org/rfc/rfc7468 | RFC 7468} */
const PRIVATE_KEY = new RegExp(`-----BEGIN${LABEL}PRIVATE${GAP}KEY(?:${GAP}BLOCK)?-----`, 'g');
const END_OF_KEY = new RegExp(`-----END${LABEL}-----`, 'g');
const QUOTE = /"/g;

const END = END_OF_KEY.source;
/** No line of a key is longer; that of nothing else is looked through to its end. */
const LONGEST = 20_000;

/** What may go on with a key in the strings after the one it began in, in the order of how much it says. */
const PARTS = [
  // Base64 that is no property's name.
  String.raw`${BASE64}{16,${LONGEST}}(?!${BASE64}|\\*["']\s*:)(?<end>${END})?`,
  // The rest of it, with the end or right before it in a list.
  `${BASE64}{0,15}(?<lastEnd>${END})`,
  String.raw`${BASE64}{1,15}(?=\\*["'](?:[\s,+]|\\+[nrt])*\\*["']\s*${END})`,
];
/** Before it may be what a list, a search or a program has between strings. */
const NEXT_STRING = new RegExp(
  String.raw`(?<kept>(?:(?!-----)[^]){0,200}?["'])\s*(?:${PARTS.join('|')})`,
  'y',
);

/** `text` without private keys, with `replacement` in the place of each, or of each string that has a part of one. */
export function withoutPrivateKeys(
  text: string,
  replacement: string,
): { readonly text: string; readonly count: number } {
  const parts: string[] = [];
  const nextEnd = searchForward(text, END_OF_KEY);
  const nextQuote = searchForward(text, QUOTE);
  let at = 0;
  for (const { index } of text.matchAll(PRIVATE_KEY)) {
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
    for (const { kept, length, isLast } of nextStrings(text, at)) {
      parts.push(kept, replacement);
      at += length;
      if (isLast) break;
    }
  }
  return { text: [...parts, text.slice(at)].join(''), count: parts.length / 2 };
}

/** The strings from `at` on that go on with a key, each after what is kept before it. */
function* nextStrings(text: string, at: number) {
  NEXT_STRING.lastIndex = at;
  for (let match = NEXT_STRING.exec(text); match !== null; match = NEXT_STRING.exec(text)) {
    const { kept = '', end, lastEnd } = match.groups ?? {};
    yield { kept, length: match[0].length, isLast: (end ?? lastEnd) !== undefined };
  }
}

/** Finds the first match from a place on; places come in order, and nothing is looked through twice. */
function searchForward(text: string, pattern: RegExp): (from: number) => RegExpExecArray | undefined {
  let found: RegExpExecArray | null | undefined;
  return (from) => {
    if (found === undefined || (found !== null && found.index < from)) {
      pattern.lastIndex = from;
      found = pattern.exec(text);
    }
    return found ?? undefined;
  };
}
