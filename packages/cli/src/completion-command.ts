import { Argument, Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { addExample } from './command-options.js';
import { SHELLS, type Shell } from './completion/shell-script.js';

type ExitWith = (code: number) => void;

/** `km completion`. */
export function completionCommand(context: CommandContext, exitWith: ExitWith): Command {
  const completion = new Command('completion')
    .description('print what makes a shell complete commands, flags, profiles and scopes')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS));
  addExample(completion, 'source <(km completion bash)');
  return completion.action(async (shell: Shell) => {
    const { runCompletion } = await import('./commands/completion.js');
    exitWith(await runCompletion(shell, context));
  });
}

/** What these scripts ask; it is in no help. */
export function completeCommand(program: Command, context: CommandContext, exitWith: ExitWith): Command {
  return new Command('__complete')
    .argument('[word...]')
    .passThroughOptions()
    .action(async (words: readonly string[]) => {
      const { runComplete } = await import('./commands/complete.js');
      exitWith(await runComplete(program, words, context));
    });
}
