/*
 * Parts of patterns for text that is looked at as it was written: in JSON, in JSON in JSON, in a URL. What was a new line
 * is `\n` or `\\n` there, whose last letter belongs to no word; what was a slash may be `\/`, `\u002F` or `%2F`.
 */

/** What stands for one character, and ends in a letter or a digit: an escape, the end of a terminal's colour. */
const ENDS_AS_WORD = String.raw`\\(?:[abefnrtv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2}|\[[0-9;]{0,16}m`;

/** To be looked back at: no word goes on here. */
export const OUTSIDE_WORD = String.raw`(?:^|[^A-Za-z0-9_]|${ENDS_AS_WORD})`;

/** To be looked back at: no base64url goes on here. */
export const OUTSIDE_BASE64URL = String.raw`(?:^|[^A-Za-z0-9_-]|${ENDS_AS_WORD})`;

/** Characters with these codes, escaped. None matches a part of an escape, so that JSON stays JSON without it. */
function escaped(codes: string): string {
  return String.raw`\\+u00(?:${codes})|%(?:25)*(?:${codes})`;
}

/** One space, however it is written. */
export const SPACE = String.raw`(?:\s|\\+[nrt]|${escaped('09|0[Aa]|0[Dd]|20')}|\+)`;

/** One quote, however it is written. */
export const QUOTE = String.raw`(?:\\*["']|${escaped('2[27]')})`;

/** What stands between a name and its value. */
export const COLON = String.raw`(?:[:=]>?|${escaped('3[AaDd]')})`;

/** What stands between the items of a list. */
export const COMMA = String.raw`(?:,|${escaped('2[Cc]')})`;

/** One character of a token. @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-2.1 | RFC 6750 §2.1} */
export const TOKEN_CHARACTER = String.raw`(?:[A-Za-z0-9._~+/=-]|\\+/|${escaped('2[BbDdEeFf]|3[0-9Dd]|[46][1-9A-Fa-f]|5[0-9AaFf]|7[0-9AaEe]')})`;

/** One character of base64. */
export const BASE64_CHARACTER = String.raw`[A-Za-z0-9+/=]|\\+/|${escaped('2[BbFf]|3[Dd]')}`;

/** The space between the words of a private key's first line. */
export const GAP = String.raw`(?: |\+|%20)`;

/** What a key's first and last line say of it, between the first word and what ends them. */
export const LABEL = String.raw`${GAP}[A-Z0-9 +%]{0,40}`;
