import { Command } from 'commander';
import { addAccountOptions, addExample } from './command-options.js';
import type { CommandContext } from './command-context.js';
import type { PluginsListFlags } from './commands/plugins-list.js';

/** `km plugins` and what is under it. */
export function pluginsCommand(
  program: Command,
  context: CommandContext,
  exitWith: (code: number) => void,
): Command {
  const plugins = new Command('plugins').description('plugins of km').copyInheritedSettings(program);
  addExample(plugins, 'km plugins list');
  const list = new Command('list')
    .description('list the plugins that this account may use')
    .option('--json', 'print it as JSON')
    .copyInheritedSettings(program);
  addAccountOptions(list);
  addExample(list, 'km plugins list --json');
  list.action(async (flags: PluginsListFlags) => {
    const { runPluginsList } = await import('./commands/plugins-list.js');
    exitWith(await runPluginsList(flags, context));
  });
  return plugins.addCommand(list);
}
