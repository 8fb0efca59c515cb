import { Command, CommanderError } from 'commander';
import { commandTree, fullName } from './reference/command-tree.js';

/**
 * What commander says of an unknown command, with the commands elsewhere that may be meant: `km auth login` for
 * `km login` and, where nothing beside it is as near, for `km lgoin`. Any other message is as it was.
 */
export function withNearestCommand(message: string, program: Command): string {
  const word = /^error: unknown command '([^']+)'/.exec(message)?.[1];
  if (word === undefined) return message;
  const commands = commandTree(program).slice(1);
  const called = (names: readonly string[]): readonly string[] =>
    commands.filter((command) => names.includes(command.name())).map(fullName);
  const same = called([word]);
  if (same.length === 0 && message.includes('(Did you mean ')) return message;
  const meant = same.length > 0 ? same : called(nearestNames(word, commands));
  if (meant.length === 0) return message;
  return `unknown command '${word}' (Did you mean ${meant.length > 1 ? 'one of ' : ''}${meant.join(', ')}?)`;
}

/** Which names commander takes for misspelt in `word`, as it does of commands beside one another. */
function nearestNames(word: string, commands: readonly Command[]): readonly string[] {
  let said = '';
  const asked = new Command()
    .helpCommand(false)
    .helpOption(false)
    .exitOverride()
    .configureOutput({
      outputError: (message) => {
        said = message;
      },
    });
  for (const name of new Set(commands.map((command) => command.name()))) asked.command(name);
  try {
    asked.parse([word], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return /\(Did you mean (?:one of )?([^?]+)\?\)/.exec(said)?.[1]?.split(', ') ?? [];
}
