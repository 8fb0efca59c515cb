import { BASE64_CHARACTER } from './escaped-text.js';
import { searchForward, type SearchForward } from './search-forward.js';

/** So far apart are strings that go on with one another, at most: a list, a search or a program has something between. */
const FAR = 200;
/** A word that is shorter may be any word. */
const LONG = 16;
/** A whole line of a key is 64 characters long: with what it has another name for it goes too, and hardly anything else. */
const LINE = 60;

const NAME = String.raw`(?<![\w$.-])(?<name>[\w$.-]{1,64})\\*["']?\s{0,9}:\s{0,9}\\*`;
const NAME_BEFORE = new RegExp(`${NAME}$`);
/** The start of a string that is a property's value, or one of no property's. */
const NEXT_STRING = new RegExp(
  String.raw`(?:(?!-----)[^]){0,${FAR}}?(?:${NAME}["']|(?<!:\s{0,9}\\{0,9})["'])`,
  'y',
);
/** Behind the end of a string that is a property's name. */
const ENDS_NAME = /["']\s*:/y;
const HAS_NAME = /["']\s*:/;
const SPACES = String.raw`(?:\s|\\+[nrt]){0,40}`;
/** Behind the end of a string that is followed by one with the end of a key. */
const BEFORE_END = new RegExp(
  String.raw`["'](?:(?!-----)[^]){0,${FAR}}?["']${SPACES}(?:\d{1,7}[:|.)>]?${SPACES})?-----END`,
  'y',
);
const STRING_END = /["']/g;

const NEW_LINE = /[\r\n]|(?<!\\)\\+(?:[nr]|u000[AaDd])|%0[AaDd]/;
const BLANK = /[ \t]|(?<!\\)\\+(?:t|u0009|u0020)|%(?:09|20)/;
/** What an editor or a search writes before a line. */
const LINE_NUMBER = /^\d{1,7}[:|.)>]?$/;
const GLUED_NUMBER = /^\d{1,7}[:|.)>]/;
/** @see {@link https://www.rfc-editor.org/rfc/rfc1421#section-4.6 | RFC 1421 §4.6}, and RFC 9580 §6.2.2 */
const HEADER_LINE = /^\s*(?:Proc-Type|DEK-Info|Version|Comment|MessageID|Hash|Charset): /;
const IS_BASE64 = new RegExp(`^(?:${BASE64_CHARACTER})*$`);

/** Whether what stands behind a key's first line, in its string, may be the start of the key, and is not prose. */
export function isRestOfHeader(rest: string): boolean {
  const [first = '', ...lines] = rest.split(NEW_LINE);
  return wordsOf(first).every(isLongBase64) && lines.every(isKeyLine);
}

/** The name of the property whose value has the character at `index`; `undefined` where it is none's. */
export function nameBefore(text: string, index: number): string | undefined {
  const start = text.lastIndexOf('"', index);
  return start === -1
    ? undefined
    : NAME_BEFORE.exec(text.slice(Math.max(0, start - FAR), start))?.groups?.['name'];
}

/** Finds the strings that go on with a key. Places come in order, so that nothing is looked through twice. */
export class SplitKeyReader {
  readonly #text: string;
  readonly #nextEnd: SearchForward;
  readonly #nextStringEnd: SearchForward;

  constructor(text: string, nextEnd: SearchForward) {
    this.#text = text;
    this.#nextEnd = nextEnd;
    this.#nextStringEnd = searchForward(text, STRING_END);
  }

  /**
   * The strings that go on with a key whose first string ends at `end`, each after what is kept before it.
   *
   * @param name the property's that the first is the value of.
   */
  *stringsAfter(end: number, name: string | undefined) {
    let at = end;
    for (let from = at; from - at <= FAR;) {
      NEXT_STRING.lastIndex = from;
      const match = NEXT_STRING.exec(this.#text);
      if (match === null) return;
      from += match[0].length;
      const kept = this.#text.slice(at, from);
      const part = this.#partAt(from, goesOn(match.groups?.['name'], name, kept));
      if (part === undefined) continue;
      yield { kept, length: part.end - at, isLast: part.isLast };
      from = part.end;
      at = from;
    }
  }

  /** The part of a key that the string which starts at `start` has, and has nothing beside. */
  #partAt(start: number, isOfSame: boolean): { readonly end: number; readonly isLast: boolean } | undefined {
    const [keyEnd, stringEnd] = [this.#nextEnd(start), this.#nextStringEnd(start)];
    const isLast = keyEnd !== undefined && keyEnd.index < (stringEnd?.index ?? Infinity);
    let end = isLast ? keyEnd.index : (stringEnd?.index ?? this.#text.length);
    const closedAt = end;
    while (!isLast && this.#text[end - 1] === '\\') end -= 1;
    const lines = this.#text.slice(start, end).split(NEW_LINE);
    if (!lines.every(isKeyLine)) return undefined;
    if (isLast) return { end: keyEnd.index + keyEnd[0].length, isLast };
    const words = lines.filter((line) => !HEADER_LINE.test(line)).flatMap(wordsOf);
    const isEnough =
      words.some(({ length }) => length >= (isOfSame ? LONG : LINE)) ||
      (isOfSame && words.length > 0 && matchesAt(BEFORE_END, this.#text, closedAt));
    return isEnough && !matchesAt(ENDS_NAME, this.#text, closedAt) ? { end, isLast } : undefined;
  }
}

/** Whether a string may go on with one of the property `first`: it is of the same, or of none as in a list or a program. */
function goesOn(name: string | undefined, first: string | undefined, between: string): boolean {
  if (name === undefined) return first === undefined || !HAS_NAME.test(between);
  return withoutDigits(name) === withoutDigits(first);
}

/** Lines may be the values of properties that are numbered. */
function withoutDigits(name: string | undefined): string | undefined {
  return name?.replaceAll(/\d/g, '');
}

function isKeyLine(line: string): boolean {
  const words = wordsOf(line);
  return (
    HEADER_LINE.test(line) ||
    words.every(isLongBase64) ||
    (words.length === 1 && IS_BASE64.test(words[0] ?? ''))
  );
}

/** The words of a line, without its number. */
function wordsOf(line: string): readonly string[] {
  const [first = '', ...others] = line.split(BLANK).filter(Boolean);
  if (others.length > 0 && LINE_NUMBER.test(first)) return others;
  return [first.replace(GLUED_NUMBER, ''), ...others].filter(Boolean);
}

function isLongBase64(word: string): boolean {
  return word.length >= LONG && IS_BASE64.test(word);
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
