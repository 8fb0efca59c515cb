import type { JsonPath } from './check-configuration.js';

/** A place in a text, from 1. Columns count characters. */
export type Position = { readonly line: number; readonly column: number };

/** A text that is no JSON, or says something twice. */
export class JsonFlaw extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Nobody nests settings this deep; garbage does. */
const DEEPEST = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// eslint-disable-next-line no-control-regex -- JSON allows no control character in a text
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;

/** Where the character at `offset` is. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: Array.from(before.at(-1) ?? '').length + 1 };
}

/**
 * Where each value of a JSON text begins; `JSON.parse` does not say, nor does every Node say where it gave up.
 *
 * @throws {JsonFlaw} at what is no JSON, and at a name that an object has twice.
 */
export class JsonPositions {
  readonly #text: string;
  readonly #offsets = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#value([]);
    if (this.#at < text.length) throw this.#flaw('there is more after the end of the document');
  }

  /** Where the value at `path`, or else the innermost that is there on the way to it, begins. */
  offsetOf(path: JsonPath): number {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = this.#offsets.get(JSON.stringify(path.slice(0, length)));
      if (offset !== undefined) return offset;
    }
    return this.#offsets.get('[]') ?? 0;
  }

  #value(path: JsonPath): void {
    if (path.length > DEEPEST) throw this.#flaw('it is nested too deeply');
    this.#skip();
    this.#offsets.set(JSON.stringify(path), this.#at);
    const first = this.#text[this.#at];
    if (first === '{') this.#object(path);
    else if (first === '[') this.#list(path);
    else if (first === '"')
      this.#string('this text is not closed, or has a character that needs a backslash');
    else if (this.#take(NUMBER) === undefined && this.#take(WORD) === undefined)
      throw this.#flaw(first === undefined ? 'the file ends too early' : 'a value is expected here');
    this.#skip();
  }

  #object(path: JsonPath): void {
    const names = new Set<string>();
    this.#items('}', () => {
      const nameAt = this.#at;
      const name = this.#string('a name in double quotes is expected here');
      if (names.has(name)) throw new JsonFlaw('this name is there twice', nameAt);
      names.add(name);
      this.#skip();
      if (this.#text[this.#at] !== ':') throw this.#flaw('a colon is expected here');
      this.#at += 1;
      this.#value([...path, name]);
    });
  }

  #list(path: JsonPath): void {
    let index = 0;
    this.#items(']', () => {
      this.#value([...path, index]);
      index += 1;
    });
  }

  /** What stands between an opening bracket and `close`, with commas between. */
  #items(close: string, item: () => void): void {
    this.#at += 1;
    this.#skip();
    if (this.#text[this.#at] === close) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#skip();
      item();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== close)
        throw this.#flaw(
          next === undefined ? 'the file ends too early' : `a comma or ${close} is expected here`,
        );
      this.#at += 1;
      if (next === close) return;
    }
  }

  #string(otherwise: string): string {
    const text = this.#take(TEXT);
    if (text === undefined)
      throw this.#flaw(this.#at >= this.#text.length ? 'the file ends too early' : otherwise);
    return JSON.parse(text) as string;
  }

  #skip(): void {
    this.#take(SPACE);
  }

  /** What `form` matches here; `undefined` where it does not. */
  #take(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #flaw(message: string): JsonFlaw {
    return new JsonFlaw(message, this.#at);
  }
}
