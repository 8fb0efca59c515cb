import type { Command } from 'commander';
import type { CommandContext } from './command-context.js';
import { createProgram } from './program.js';

/** The help of each command, by its words: as in `auth token`, and nothing for `km` itself. */
export type HelpTexts = Readonly<Record<string, string>>;

/** What `km … --help` prints where no terminal tells how wide it is. Asked when `km` is built: see {@link answerHelp}. */
export function helpTexts(version: string): HelpTexts {
  // Nothing is run, so nothing else of a process is asked for.
  const program = createProgram({ version } as CommandContext, () => undefined);
  return Object.fromEntries(withSubcommands(program, []));
}

function withSubcommands(command: Command, words: readonly string[]): readonly [string, string][] {
  const under = command.commands.flatMap((each) => withSubcommands(each, [...words, each.name()]));
  return [[words.join(' '), textOf(command)], ...under];
}

function textOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return text;
}
