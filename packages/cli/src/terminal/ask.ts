import type { Readable } from 'node:stream';
import type { CommandContext } from '../command-context.js';
import { fold } from './fold.js';
import { widthOf } from './terminal.js';

/** A line that somebody typed, without the spaces around it; `undefined` when there is no more. The terminal shows it. */
function askLine(
  question: string,
  { stdin, prompt }: Pick<CommandContext, 'stdin' | 'prompt'>,
): Promise<string | undefined> {
  prompt(question);
  return readLine(stdin());
}

function readLine(input: Readable): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const finish = (settle: () => void): void => {
      input.off('data', onData).off('end', onEnd).off('error', onError);
      input.pause();
      settle();
    };
    const onEnd = (): void => finish(() => resolve(text === '' ? undefined : text.trim()));
    const onError = (error: Error): void => finish(() => reject(error));
    const onData = (chunk: Buffer | string): void => {
      text += chunk.toString();
      const [line = '', ...more] = text.split(/\r\n|\n|\r/);
      if (more.length > 0) finish(() => resolve(line.trim()));
    };
    // Whoever read before has paused it.
    input.on('data', onData).on('end', onEnd).on('error', onError).resume();
  });
}

/**
 * Which of `choices` somebody wants, as its index; the first when they just press Enter. Asked again until it is one.
 * `undefined` when there is no answer.
 */
export async function askChoice(
  question: string,
  choices: readonly string[],
  context: Pick<CommandContext, 'stdin' | 'stderr' | 'prompt' | 'tell'>,
): Promise<number | undefined> {
  context.tell(question);
  const width = widthOf(context.stderr());
  for (const [index, choice] of choices.entries()) {
    for (const line of fold(`${index + 1} ${choice}`, { width, indent: 2, hanging: 4 })) context.tell(line);
  }
  for (;;) {
    const answer = await askLine(`Type a number and press Enter [1]: `, context);
    if (answer === undefined) {
      context.prompt('\n');
      return undefined;
    }
    const index = answer === '' ? 0 : Number(answer) - 1;
    if (Number.isInteger(index) && choices[index] !== undefined) return index;
    context.tell(`That is none of them: type a number from 1 to ${choices.length}.`);
  }
}

/** Whether somebody says yes; pressing Enter, or anything else, is a no. */
export async function askYes(
  question: string,
  context: Pick<CommandContext, 'stdin' | 'prompt'>,
): Promise<boolean> {
  return /^y(es)?$/i.test((await askLine(`${question} [y/N] `, context)) ?? '');
}
