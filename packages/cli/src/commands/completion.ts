import type { CommandContext } from '../command-context.js';
import { shellScript, type Shell } from '../completion/shell-script.js';
import { EXIT } from '../exit-code.js';

/** `km completion`: prints what makes a shell complete the words of `km`. */
export async function runCompletion(shell: Shell, context: CommandContext): Promise<number> {
  await context.answer(shellScript(shell));
  return EXIT.done;
}
