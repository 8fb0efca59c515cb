import type { Readable, Writable } from 'node:stream';
import { saysYes } from '../says-yes.js';

/** A stream that may be a terminal. */
type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** What of a command's surroundings tells how to speak to whoever is there. */
export type Surroundings = {
  readonly environment: NodeJS.ProcessEnv;
  readonly stdin: () => Readable;
  readonly stdout: () => Writable;
  readonly stderr: () => Writable;
};

const NARROWEST = 40;
const USUAL = 80;

/** Whether somebody sees what is written there, or types what is read. */
export function isTerminal(stream: Readable | Writable): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

/** Whether somebody sits there who can be asked: stdin and stderr are a terminal, and no CI runs this. */
export function isInteractive({ environment, stdin, stderr }: Surroundings): boolean {
  return !saysYes(environment['CI']) && isTerminal(stderr()) && isTerminal(stdin());
}

/** Whether `stream` is a terminal on which the same place may be drawn again and again, and no CI keeps what is drawn. */
export function canAnimate(stream: Writable | undefined, environment: NodeJS.ProcessEnv): boolean {
  const isQuiet = saysYes(environment['CI']) || environment['TERM'] === 'dumb';
  return !isQuiet && stream !== undefined && isTerminal(stream);
}

/**
 * Whether `stream` shows colours and spinners, and who reads it wants them.
 *
 * @see {@link https://no-color.org}
 */
export function canDecorate(stream: Writable | undefined, environment: NodeJS.ProcessEnv): boolean {
  return (environment['NO_COLOR'] ?? '') === '' && canAnimate(stream, environment);
}

/** How many columns the terminal has; 80 where there is none. */
export function columnsOf(stream: Output | undefined): number {
  const { columns = 0 } = stream ?? {};
  return columns > 0 ? columns : USUAL;
}

/** How wide a line may be: as the terminal is, but never less than 40, where a word a line would be left. */
export function widthOf(stream: Output | undefined): number {
  return Math.max(NARROWEST, columnsOf(stream));
}

/** How many lines there is room for. */
export function heightOf(stream: Output): number {
  const { rows = 0 } = stream;
  return rows > 0 ? rows : 24;
}
