import type { Writable } from 'node:stream';
import { reportOf } from '../failure-report.js';
import type { CommandContext } from '../command-context.js';
import { heightOf, widthOf } from '../terminal/terminal.js';

const LOOK_MS = 1_000;
const SHOW_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** What a look brought: how it is, or why that could not be seen. */
type Seen = { readonly text: string; readonly isFailure: boolean };

/**
 * Looks each second, and hands over what was seen, until a signal ends it, or `show` says that nobody looks any more. A
 * look that fails is one as well.
 */
async function eachSecond(
  read: () => Promise<string>,
  show: (seen: Seen) => Promise<boolean>,
  { clock, onSignal, isDebug }: CommandContext,
): Promise<void> {
  const look = async (): Promise<Seen> => {
    try {
      return { text: await read(), isFailure: false };
    } catch (error) {
      return { text: reportOf(error, isDebug), isFailure: true };
    }
  };
  let isOver = false;
  let wake: () => void = () => undefined;
  const stop = onSignal(() => {
    isOver = true;
    wake();
  });
  const ended = (): boolean => isOver;
  while (!ended()) {
    if (!(await show(await look()))) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (ended()) resolve();
      else clock.schedule(resolve, LOOK_MS, true);
    });
  }
  stop();
}

/** A live view on the terminal, on a screen of its own. When it ends the terminal is as it was, with the last view on it. */
export async function watchOnTerminal(
  read: () => Promise<readonly string[]>,
  context: CommandContext,
): Promise<void> {
  const stdout: Writable = context.stdout();
  let isShown = false;
  const leave = (): void => {
    if (isShown) stdout.write(LEAVE_SCREEN);
    isShown = false;
  };
  context.onExit(leave);
  let last = '';
  stdout.write(SHOW_SCREEN);
  isShown = true;
  await eachSecond(
    async () => (await read()).join('\n'),
    ({ text }) => {
      last = text;
      const footer = 'Ctrl-C ends this.'.slice(0, widthOf(stdout) - 1);
      const lines = [...text.split('\n'), '', footer].slice(0, heightOf(stdout));
      stdout.write(HOME + lines.map((line) => line + ERASE_LINE).join('\r\n') + ERASE_BELOW);
      return Promise.resolve(true);
    },
    context,
  );
  leave();
  await context.answer(`${last}\n`);
}

/**
 * A line whenever something has changed, for programs; until nobody reads any more, which a pipe tells with a line only.
 * Why a look failed is no line of these: it is told apart, once.
 */
export async function watchForProgram(read: () => Promise<string>, context: CommandContext): Promise<void> {
  let last = '';
  let told = '';
  await eachSecond(
    read,
    ({ text, isFailure }) => {
      if (isFailure) {
        if (text !== told) context.tell(text);
        told = text;
        return context.answer('');
      }
      told = '';
      const change = text === last ? '' : `${text}\n`;
      last = text;
      return context.answer(change);
    },
    context,
  );
}
