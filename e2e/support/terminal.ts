import { environment, KM, start, type RunningKm } from './km.js';
import { until } from './until.js';

export const CTRL_C = '\u0003';

/** A program on a terminal of its own. */
export type OnTerminal = Pick<RunningKm, 'ended' | 'child'> & {
  /** All that was shown so far, as it came: with the codes that move and colour. */
  readonly raw: () => string;
  /** The same without these codes; a line that was drawn again is there again. */
  readonly shown: () => string;
  readonly type: (text: string) => void;
  /** Waits until `text` was shown. */
  readonly shows: (text: string | RegExp) => Promise<void>;
};

export type TerminalOptions = {
  readonly env?: Record<string, string>;
  readonly columns?: number;
};

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Starts `km` on a real pseudo-terminal, as a person would; it is killed after the test if it is still there. */
export function startOnTerminal(args: readonly string[], options: TerminalOptions = {}): OnTerminal {
  const { env = environment(), columns = 80 } = options;
  const words = [process.execPath, KM, ...args].map(quoted).join(' ');
  const run = start('script', ['-qfec', `stty cols ${columns} rows 24; exec ${words}`, '/dev/null'], {
    TERM: 'xterm-256color',
    SHELL: '/bin/sh',
    ...env,
  });
  const raw = (): string => run.stdout().toString();
  const shown = (): string =>
    raw()
      // eslint-disable-next-line no-control-regex -- the codes of a terminal
      .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
      .replace(/\r+\n/g, '\n');
  return {
    child: run.child,
    ended: run.ended,
    raw,
    shown,
    type: (text) => {
      run.child.stdin.write(text);
    },
    shows: async (text) => {
      const isThere = (): boolean => (typeof text === 'string' ? shown().includes(text) : text.test(shown()));
      await until(`the terminal shows ${String(text)}`, isThere).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows:\n${shown()}`);
      });
    },
  };
}

/** Lines that are wider than `columns` although they could be broken. */
export function tooWide(terminal: OnTerminal, columns: number): readonly string[] {
  // What stands before a return, as what a spinner drew, was erased.
  const lines = terminal.shown().split('\n');
  const left = lines.map((line) => line.slice(line.lastIndexOf('\r') + 1));
  return left.filter((line) => line.length > columns && line.trim().includes(' '));
}
