import { OUTSIDE_BASE64URL, OUTSIDE_WORD, SPACE } from './escaped-text.js';

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** One of these is in every text that has such a secret in it; most texts have none. */
const SIGN = /(?:earer|EARER|asic|ASIC|PRIVATE KEY|km_|eyJ)/;

/**
 * Secrets that show what they are; what a pattern names `kept` stays. A match ends before a quote and before the
 * backslash of an escaped one, so that JSON stays JSON. None begins again within what it has looked through, so that the time
 * is in proportion to the length. What must stand before a secret is looked at last, where there is one: so it is found sooner.
 */
const PATTERNS: readonly RegExp[] = [
  // RFC 6750 §2.1: a word of eight characters, or a shorter one with a digit in it.
  new RegExp(
    `(?<kept>bearer(?<=${OUTSIDE_WORD}bearer)${SPACE}+)(?:[A-Za-z0-9._~+/=-]{8,}|(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{4,})`,
    'gi',
  ),
  // RFC 7617: only in a header, for "basic" is a word that is followed by many others.
  /(?<kept>authorization[\\"']*\s*[:=]\s*[\\"']*basic\s+)[A-Za-z0-9+/=_-]{4,}/gi,
  new RegExp(`km_(?<=${OUTSIDE_WORD}km_)(?:[a-z]{2,8}_[A-Za-z0-9_-]{3,}|[A-Za-z0-9-]{16,})`, 'g'),
  // RFC 7519: a JWT's header begins as every JSON object in base64url does.
  new RegExp(`eyJ(?<=${OUTSIDE_BASE64URL}eyJ)[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]*`, 'g'),
];

/** @see {@link https://www.rfc-editor.org/rfc/rfc7468 | RFC 7468} */
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const END_OF_KEY = /-----END [A-Z0-9 ]{0,40}-----/g;

/** `text` without the secrets that show what they are, and how many there were. */
export function withoutObviousSecrets(text: string): { readonly text: string; readonly count: number } {
  if (!SIGN.test(text)) return { text, count: 0 };
  const keys = withoutPrivateKeys(text);
  let { count } = keys;
  let rest = keys.text;
  for (const pattern of PATTERNS) {
    rest = rest.replace(pattern, (...match) => {
      count += 1;
      const groups = match.at(-1) as { readonly kept?: string } | string;
      return typeof groups === 'string' ? REDACTED : `${groups.kept ?? ''}${REDACTED}`;
    });
  }
  return { text: rest, count };
}

/** A key goes to its end, or to the end of the string it is in. */
function withoutPrivateKeys(text: string): { readonly text: string; readonly count: number } {
  const parts: string[] = [];
  let at = 0;
  for (const { index } of text.matchAll(PRIVATE_KEY)) {
    // Inside the key before, which had no end.
    if (index < at) continue;
    parts.push(text.slice(at, index), REDACTED);
    END_OF_KEY.lastIndex = index;
    const end = END_OF_KEY.exec(text);
    const quote = text.indexOf('"', index);
    if (end !== null && (quote === -1 || end.index < quote)) {
      at = END_OF_KEY.lastIndex;
    } else {
      at = quote === -1 ? text.length : quote;
      while (text[at - 1] === '\\') at -= 1;
    }
  }
  return { text: [...parts, text.slice(at)].join(''), count: parts.length / 2 };
}
