import {
  COLON,
  COMMA,
  OUTSIDE_BASE64URL,
  OUTSIDE_WORD,
  QUOTE,
  SPACE,
  TOKEN_CHARACTER,
} from './escaped-text.js';
import { withoutPrivateKeys } from './private-keys.js';

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** One of these is in every text that has such a secret in it; most texts have none. */
const SIGN = /(?:[eE][aA][rR][eE][rR]|[aA][sS][iI][cC]|PRIVATE[ +%]|km_|eyJ)/;
const LONGEST_SIGN = 'PRIVATE '.length;
/** So much is looked through at once: a text that is larger takes memory that is hard to come by, and to collect. */
const LOOK_BYTES = 32 * 1024;

/** Between the name of a header and what it has. */
const HEADER_COLON = `(?:${SPACE}|${QUOTE})*${COLON}(?:${SPACE}|${QUOTE})*`;
/** The same where headers are a list, of names and values or of what has both. */
const HEADER_COMMA = `${QUOTE}${SPACE}*${COMMA}${SPACE}*${QUOTE}(?:value${HEADER_COLON})?`;

const BASE64URL = '[A-Za-z0-9_-]';

/**
 * Secrets that show what they are; what a pattern names `kept` stays. A match ends before a quote and before the
 * backslash of an escaped one, so that JSON stays JSON. None begins again within what it has looked through, so that the time
 * is in proportion to the length. What must stand before a secret is looked at last, where there is one: so it is found sooner.
 */
const PATTERNS: readonly RegExp[] = [
  // RFC 6750 §2.1: a word of eight characters, or a shorter one with a digit in it.
  new RegExp(
    `(?<kept>bearer(?<=${OUTSIDE_WORD}bearer)${SPACE}+)(?:${TOKEN_CHARACTER}{8,}|(?=${TOKEN_CHARACTER}*[0-9])${TOKEN_CHARACTER}{4,})`,
    'gi',
  ),
  // RFC 7617: only in a header, for "basic" is a word that is followed by many others.
  new RegExp(
    `(?<kept>authorization(?:${HEADER_COLON}|${HEADER_COMMA})basic${SPACE}+)${TOKEN_CHARACTER}{4,}`,
    'gi',
  ),
  new RegExp(`km_(?<=${OUTSIDE_WORD}km_)(?:[a-z]{2,8}_[A-Za-z0-9_-]{3,}|[A-Za-z0-9-]{16,})`, 'g'),
  // RFC 7519: a JWT's header begins as every JSON object in base64url does. One that is encrypted has five parts (RFC 7516),
  // the second of them empty where its key is agreed on.
  new RegExp(
    `eyJ(?<=${OUTSIDE_BASE64URL}eyJ)${BASE64URL}{4,}\\.(?:${BASE64URL}{4,}\\.${BASE64URL}*|\\.${BASE64URL}{4,})(?:\\.${BASE64URL}+\\.${BASE64URL}+)?`,
    'g',
  ),
];

/** Whether there may be secrets in a text that show what they are. */
export function mayHaveSecrets(text: Buffer): boolean {
  for (let at = 0; at < text.length; at += LOOK_BYTES) {
    if (SIGN.test(text.toString('latin1', at, at + LOOK_BYTES + LONGEST_SIGN - 1))) return true;
  }
  return false;
}

/** `text` without the secrets that show what they are, and how many there were. */
export function withoutObviousSecrets(text: string): { readonly text: string; readonly count: number } {
  const keys = withoutPrivateKeys(text, REDACTED);
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
