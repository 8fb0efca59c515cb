const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Strings are looked through byte by byte this far; the native search is faster on what is longer. */
const SHORT_STRING_BYTES = 96;

/** Where something is in a text: from `start` up to, not including, `end`. */
export type Span = { readonly start: number; readonly end: number };

/**
 * Called for each member of an object (`key` with its quotes) or element of an array (`key` is its place). `value.end`
 * is -1 where the text ends within the value.
 */
export type ItemVisitor = (key: Span | number, value: Span) => void;

/** Where the first byte from `start` on is that is no white space. */
export function skipSpace(text: Buffer, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Where the string that opens at `start` ends; -1 where the text ends first. */
function endOfString(text: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    const near = Math.min(text.length, at + SHORT_STRING_BYTES);
    for (; at < near; at += 1) {
      const byte = text[at];
      if (byte === QUOTE) return at + 1;
      if (byte === BACKSLASH) at += 1;
    }
    if (at >= text.length) return -1;
    const quote = text.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let backslashes = quote;
    while (backslashes > at && text[backslashes - 1] === BACKSLASH) backslashes -= 1;
    at = quote + 1;
    if ((quote - backslashes) % 2 === 0) return at;
  }
}

/**
 * Where the value that begins at `start` ends; -1 where the text ends first, or before a number or literal is sure to be
 * over. What is inside an object or array is not checked.
 */
function endOfValue(text: Buffer, start: number): number {
  const first = text[start];
  if (first === QUOTE) return endOfString(text, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(text, start);
  for (let at = start; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)) return at;
  }
  return -1;
}

function endOfContainer(text: Buffer, start: number): number {
  let at = start;
  for (let depth = 0; at < text.length;) {
    const byte = text[at];
    if (byte === QUOTE) {
      at = endOfString(text, at);
      if (at === -1) return -1;
      continue;
    }
    at += 1;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/**
 * Goes through the items of the object or array that opens at `start`, without looking into them. Returns where it ends;
 * -1 where the text ends first or is no JSON.
 */
export function visitItems(text: Buffer, start: number, visit: ItemVisitor): number {
  const isObject = text[start] === OPEN_BRACE;
  if (!isObject && text[start] !== OPEN_BRACKET) return -1;
  const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
  let at = skipSpace(text, start + 1);
  if (text[at] === close) return at + 1;
  for (let place = 0; ; place += 1) {
    let key: Span | number = place;
    if (isObject) {
      if (text[at] !== QUOTE) return -1;
      const end = endOfString(text, at);
      if (end === -1) return -1;
      key = { start: at, end };
      at = skipSpace(text, end);
      if (text[at] !== COLON) return -1;
      at = skipSpace(text, at + 1);
    }
    if (at >= text.length) return -1;
    const end = endOfValue(text, at);
    if (end === at) return -1;
    visit(key, { start: at, end });
    if (end === -1) return -1;
    at = skipSpace(text, end);
    if (text[at] === close) return at + 1;
    if (text[at] !== COMMA) return -1;
    at = skipSpace(text, at + 1);
  }
}

/** The text of a member's name. */
export function nameAt(text: Buffer, { start, end }: Span): string {
  const name = text.toString('utf8', start + 1, end - 1);
  return name.includes('\\') ? String(valueAt(text, { start, end })) : name;
}

/** The value that is written at a place; `undefined` where that is no JSON. */
export function valueAt(text: Buffer, { start, end }: Span): unknown {
  try {
    return JSON.parse(text.toString('utf8', start, end));
  } catch {
    return undefined;
  }
}
