/*
 * Parts of patterns for text that is looked at as it was written: in JSON, in JSON in JSON, in a URL. What was a new line
 * is `\n` or `\\n` there, whose last letter belongs to no word.
 */

/** What stands for one character, and ends in a letter or a digit: an escape, the end of a terminal's colour. */
const ENDS_AS_WORD = String.raw`\\(?:[abefnrtv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2}|\[[0-9;]{0,16}m`;

/** To be looked back at: no word goes on here. */
export const OUTSIDE_WORD = String.raw`(?:^|[^A-Za-z0-9_]|${ENDS_AS_WORD})`;

/** To be looked back at: no base64url goes on here. */
export const OUTSIDE_BASE64URL = String.raw`(?:^|[^A-Za-z0-9_-]|${ENDS_AS_WORD})`;

/** One space, however it is written. */
export const SPACE = String.raw`(?:\s|\\+(?:[nrt]|u00(?:09|0[Aa]|0[Dd]|20))|%(?:25)*(?:09|0[Aa]|0[Dd]|20)|\+)`;
