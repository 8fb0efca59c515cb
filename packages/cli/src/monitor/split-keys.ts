import { BASE64_CHARACTER, LABEL } from './escaped-text.js';
import { searchForward, type SearchForward } from './search-forward.js';

/** So far apart are strings that go on with one another, at most: a list, a search or a program has something between. */
const FAR = 200;
/** Those of one property may have much about each between them: where it was found, and what stands around it. */
const FAR_OF_SAME = 1_000;
/** A word that is shorter may be any word. */
const LONG = 16;
/** A whole line of a key is 64 characters long: with what it has another name for it goes too, and hardly anything else. */
const LINE = 60;

const NAME = String.raw`(?<![\w$.-])(?<name>[\w$.-]{1,64})\\*["']?\s{0,9}:\s{0,9}\\*`;
const NAME_BEFORE = new RegExp(`${NAME}$`);
/** One character between strings: neither the first line of a key nor the last begins with it. */
const BETWEEN = `(?:(?!-----(?:BEGIN|END)${LABEL}-----)[^])`;
/** The start of a string that is a property's value, or one of no property's. */
const NEXT_STRING = new RegExp(
  String.raw`${BETWEEN}{0,${FAR_OF_SAME}}?(?:${NAME}["']|(?<!:\s{0,9}\\{0,9})["'])`,
  'y',
);
/** Behind the end of a string that is a property's name. */
const ENDS_NAME = /["']\s*:/y;
const HAS_NAME = /["']\s*:/;
const SPACES = String.raw`(?:\s|\\+[nrt]){0,40}`;
/** What a quotation, a list or a change has before each line. */
const MARK = String.raw`[-+>|]|\\+u003[eE]`;
/** What an editor or a search writes before a line: its number, behind its file's name or not. The arrow may be its bytes. */
const PLACE = String.raw`(?:[\w./@~+-]{0,200}[:-])?\d{1,7}(?:[-:|.)>]|→|\xe2\x86\x92|\\+u2192)`;
/** Behind the end of a string that is followed by one with the end of a key. */
const BEFORE_END = new RegExp(
  String.raw`["']${BETWEEN}{0,${FAR_OF_SAME}}?["']${SPACES}(?:(?:${MARK})${SPACES})?(?:(?:${PLACE}|\d{1,7})${SPACES})?-----END${LABEL}-----`,
  'y',
);
const STRING_END = /["']/g;

const NEW_LINE = /[\r\n]|(?<!\\)\\+(?:[nr]|u000[AaDd])|%0[AaDd]/;
const BLANK = /[ \t]|(?<!\\)\\+(?:t|u0009|u0020)|%(?:09|20)/;
const MARK_BEFORE = new RegExp(`^(?:${MARK})`);
const LINE_NUMBER = /^\d{1,7}$/;
const GLUED_PLACE = new RegExp(`^${PLACE}`);
/** What a piece of a key that is cut in its last line ends with. */
const BEGUN_END = /^(?:-{1,5}|-----(?:E|EN|END(?:[ +%][A-Z0-9 +%]{0,40})?)-{0,4})$/;
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
    const far = name === undefined ? FAR : FAR_OF_SAME;
    for (let from = at; from - at <= far;) {
      NEXT_STRING.lastIndex = from;
      const match = NEXT_STRING.exec(this.#text);
      if (match === null) return;
      from += match[0].length;
      const own = match.groups?.['name'];
      const kept = this.#text.slice(at, from);
      const isOfSame = goesOn(own, name, kept);
      if (from - at > FAR && (own === undefined || !isOfSame)) continue;
      const part = this.#partAt(from, isOfSame);
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
    const cut = isLast ? undefined : BEGUN_END.exec(lines.at(-1) ?? '')?.[0];
    if (cut !== undefined) lines.pop();
    if (!lines.every(isKeyLine)) return undefined;
    if (isLast) return { end: keyEnd.index + keyEnd[0].length, isLast };
    const words = lines.filter((line) => !HEADER_LINE.test(line)).flatMap(wordsOf);
    const isEnough =
      words.some(({ length }) => length >= (isOfSame ? LONG : LINE)) ||
      (isOfSame && words.length > 0 && (cut !== undefined || this.#isBeforeEnd(closedAt, keyEnd)));
    if (!isEnough || matchesAt(ENDS_NAME, this.#text, closedAt)) return undefined;
    // One dash may be the mark of a change, too.
    return { end, isLast: cut !== undefined && cut.length > 1 };
  }

  /** Whether the string that is closed at `at` is followed by one with the end of a key, of which `next` is the next. */
  #isBeforeEnd(at: number, next: RegExpExecArray | undefined): boolean {
    // Most are not, and nothing is looked through for them.
    return next !== undefined && next.index - at < 2 * FAR_OF_SAME && matchesAt(BEFORE_END, this.#text, at);
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

/** The words of a line, without what stands before it. */
function wordsOf(line: string): readonly string[] {
  const [marked = '', ...behind] = line.split(BLANK).filter(Boolean);
  const [first = '', ...others] = [marked.replace(MARK_BEFORE, ''), ...behind].filter(Boolean);
  if (others.length > 0 && LINE_NUMBER.test(first)) return others;
  return [first.replace(GLUED_PLACE, ''), ...others].filter(Boolean);
}

function isLongBase64(word: string): boolean {
  return word.length >= LONG && IS_BASE64.test(word);
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
