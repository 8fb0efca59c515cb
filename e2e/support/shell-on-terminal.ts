import { start, type RunningKm } from './km.js';
import { pathWithKm } from './command-folder.js';
import { until } from './until.js';

/** Something that runs on a terminal of its own. */
export type Terminal = RunningKm & {
  readonly type: (keys: string) => void;
  /** Waits until the screen has shown `text`. */
  readonly shows: (text: string | RegExp) => Promise<void>;
  readonly screen: () => string;
};

export const CTRL_C = '\u0003';
export const CTRL_Z = '\u001a';

/** Runs a shell command on a pseudo-terminal. */
export function startShellOnTerminal(command: string, env: Record<string, string>): Terminal {
  const run = start('script', ['-qefc', command, '/dev/null'], {
    TERM: 'xterm',
    ...env,
    PATH: pathWithKm(),
    SHELL: '/bin/sh',
  });
  const screen = (): string => run.stdout().toString();
  return {
    ...run,
    screen,
    type: (keys) => {
      run.child.stdin.write(keys);
    },
    shows: async (text) => {
      const isShown = (): boolean =>
        typeof text === 'string' ? screen().includes(text) : text.test(screen());
      await until(`the terminal shows ${String(text)}`, isShown).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows: ${JSON.stringify(screen())}`);
      });
    },
  };
}
