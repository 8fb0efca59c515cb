import type { Command } from 'commander';

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
