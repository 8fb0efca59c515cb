import { CommanderError, type Command } from 'commander';

/** The flags that say which account and which service. */
export function addAccountOptions(command: Command): void {
  command
    .option('--endpoint <url>', 'the API to talk to, as in https://api.kilometers.ai')
    .option('--profile <name>', 'the account to use');
}

/** Ends the help with an example. */
export function addExample(command: Command, example: string): void {
  command.addHelpText('after', `\nExample:\n  $ ${example}`);
}

/**
 * Of a command that runs another one: `-h` and `--help` are for `km` only in front of that. Commander looks for them behind a
 * wrong flag as well, and would print help, as if all were well, in the place of what is to be run.
 */
export function answerHelpInFront(command: Command): Command {
  return command
    .helpOption(false)
    .option('-h, --help', 'print help')
    .on('option:help', () => {
      command.outputHelp();
      throw new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)');
    });
}
