import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { pathWithKm } from './command-folder.js';
import { LIMIT_MS, SELDOM_MS, until } from './until.js';

/** A terminal as its user sees it: what moves, colours and erases has been done. */
export type Screen = {
  /** The lines that are on it now, without the spaces at their ends. */
  readonly lines: () => readonly string[];
  readonly type: (keys: string) => void;
  /** Waits until a line of the screen has `text`. */
  readonly shows: (text: string | RegExp) => Promise<void>;
};

export type ScreenOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
};

/** A shell that is hung up at the end would write what was typed into a home that is being removed. */
const TERMINAL = { TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', HISTFILE: '' };

/** Runs a shell command on a terminal that tmux draws, in a server of its own; it is gone after the test. */
export function startOnScreen(command: string, { env, columns = 80, rows = 24 }: ScreenOptions): Screen {
  const server = `km-e2e-${randomUUID()}`;
  const tmux = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('tmux', ['-L', server, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { ...TERMINAL, ...env, PATH: pathWithKm(), SHELL: '/bin/sh' },
    });
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const size = ['-x', String(columns), '-y', String(rows)];
  // What is on it stays there: a terminal whose program has ended is gone.
  tmux('new-session', '-d', ...size, `${command}; exec cat`);
  onTestFinished(() => {
    tmux('kill-server');
  });
  const lines = (): readonly string[] =>
    tmux('capture-pane', '-p')
      .split('\n')
      .map((line) => line.trimEnd());
  return {
    lines,
    type: (keys) => {
      tmux('send-keys', '-l', keys);
    },
    shows: async (text) => {
      const has = (line: string): boolean =>
        typeof text === 'string' ? line.includes(text) : text.test(line);
      await until(`the screen shows ${String(text)}`, () => lines().some(has), LIMIT_MS, SELDOM_MS).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}; it shows:\n${lines().join('\n')}`);
        },
      );
    },
  };
}
