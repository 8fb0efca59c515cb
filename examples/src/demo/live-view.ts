import colours from 'yoctocolors';

export type Paint = (text: string) => string;
type Kind = 'call' | 'token' | 'events' | 'api' | 'note';

/** More of an answer is not shown. */
const ANSWER_LENGTH = 44;

const plain: Paint = (text) => text;

/** Prints what happens, one line each, with the seconds since the start. */
export class LiveView {
  readonly #startedAtMs = performance.now();
  readonly #isColoured: boolean;
  readonly #print: (line: string) => void;

  constructor(options: { readonly isColoured: boolean; readonly print: (line: string) => void }) {
    this.#isColoured = options.isColoured;
    this.#print = options.print;
  }

  /** A line of its own, as in a heading. */
  line(text = '', paint: Paint = plain): void {
    this.#print(this.#isColoured ? paint(text) : text);
  }

  call(name: string, durationMs: number, answer: string): void {
    this.#row(
      'call',
      colours.cyan,
      `${name.padEnd(34)}${`${durationMs.toFixed(0)} ms`.padStart(8)}   ${shorten(answer)}`,
    );
  }

  token(text: string): void {
    this.#row('token', colours.yellow, text);
  }

  events(text: string): void {
    this.#row('events', colours.green, text);
  }

  api(text: string): void {
    this.#row('api', colours.magenta, text);
  }

  note(text: string): void {
    this.#row('note', colours.dim, text);
  }

  #row(kind: Kind, paint: Paint, text: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1_000).toFixed(1).padStart(5);
    this.#print(
      `${seconds} s  ${this.#isColoured ? paint(kind.padEnd(6)) : kind.padEnd(6)}  ${text}`.trimEnd(),
    );
  }
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= ANSWER_LENGTH ? line : `${line.slice(0, ANSWER_LENGTH - 1)}…`;
}
