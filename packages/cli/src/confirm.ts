import type { CommandContext } from './command-context.js';

/** Asks a question on the terminal; `nobody` where there is none to ask at. Anything but a clear yes is a no. */
export function confirm(
  question: string,
  { stdin, prompt }: Pick<CommandContext, 'stdin' | 'prompt'>,
): Promise<'yes' | 'no' | 'nobody'> {
  const input = stdin();
  if (!('isTTY' in input) || input.isTTY !== true) return Promise.resolve('nobody');
  prompt(`${question} [y/N] `);
  return new Promise((resolve) => {
    const onData = (chunk: Buffer | string): void => {
      answer(/^y(es)?$/i.test(chunk.toString().trim()) ? 'yes' : 'no');
    };
    const onEnd = (): void => answer('no');
    const answer = (said: 'yes' | 'no'): void => {
      input.off('data', onData).off('end', onEnd);
      input.pause();
      resolve(said);
    };
    input.on('data', onData).on('end', onEnd);
  });
}
