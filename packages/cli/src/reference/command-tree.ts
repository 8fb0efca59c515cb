import type { Command } from 'commander';

/** A term and what it means. */
export type Entry = { readonly term: string; readonly description: string };

/** A command as its help has it. */
export type CommandEntry = {
  /** `km auth token`. */
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  readonly args: readonly Entry[];
  readonly options: readonly Entry[];
};

/** `km auth token`. */
export function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** The command and all under it, each before what is under it; those that no help shows are left out. */
export function commandTree(command: Command): readonly Command[] {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return [command, ...below.flatMap(commandTree)];
}

/** What the help of a command says. */
export function commandEntry(command: Command): CommandEntry {
  const help = command.createHelp();
  return {
    name: fullName(command),
    usage: help.commandUsage(command),
    description: command.description(),
    args: help.visibleArguments(command).map((argument) => ({
      term: help.argumentTerm(argument),
      description: help.argumentDescription(argument),
    })),
    options: help
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map((option) => ({
        term: help.optionTerm(option),
        description: help.optionDescription(option),
      })),
  };
}
