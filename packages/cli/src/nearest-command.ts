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
  const names = commands.map((command) => command.name());
  const beside = suggestedIn(message);
  const nearest = names.includes(word) ? [word] : nearestNames(word, [...names, ...beside]);
  if (nearest.some((name) => beside.includes(name))) return message;
  const meant = commands.filter((command) => nearest.includes(command.name())).map(fullName);
  if (meant.length === 0) return message;
  return `unknown command '${word}' (Did you mean ${meant.length > 1 ? 'one of ' : ''}${meant.join(', ')}?)`;
}

/** Which names commander takes for misspelt in `word`, as it does of commands beside one another. */
function nearestNames(word: string, names: readonly string[]): readonly string[] {
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
  for (const name of new Set(names)) asked.command(name);
  try {
    asked.parse([word], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  return suggestedIn(said);
}

function suggestedIn(message: string): readonly string[] {
  return /\(Did you mean (?:one of )?([^?]+)\?\)/.exec(message)?.[1]?.split(', ') ?? [];
}
