import { arch, platform } from 'node:os';
import { createAuthenticatedClient, finishRefreshOnSignal } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { openAuthManager } from '../open-auth-manager.js';
import { pluginLines } from '../plugins/plugin-lines.js';
import { fetchPlugins } from '../plugins/plugin-manifest.js';
import { serviceUrl, type AccountFlags } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';
import { widthOf } from '../terminal/terminal.js';

export type PluginsListFlags = AccountFlags & { readonly json?: boolean };

/** `km plugins list`: the plugins that this account may use. */
export function runPluginsList(flags: PluginsListFlags, context: CommandContext): Promise<number> {
  return whileSpinning('asking for the plugins', context, (spoken) => listPlugins(flags, spoken));
}

async function listPlugins(flags: PluginsListFlags, context: CommandContext): Promise<number> {
  const { manager, account } = await openAuthManager(flags, context);
  finishRefreshOnSignal(manager, context.process);
  try {
    const plugins = await fetchPlugins({
      url: serviceUrl(account.endpoint.value, '/api/plugins/manifest'),
      fetch: createAuthenticatedClient(manager, 'plugins', { fetch: context.fetch }),
      clock: context.clock,
      platform: { os: platform(), arch: arch() },
      cliVersion: context.version,
    });
    if (flags.json === true) await context.answer(`${jsonOf({ plugins })}\n`);
    else if (plugins.length > 0)
      await context.answer(`${pluginLines(plugins, widthFor(context)).join('\n')}\n`);
    else context.tell('km: there are no plugins for this account');
    return EXIT.done;
  } finally {
    await manager.stop();
  }
}

/** Controls, and what turns the direction of a text. */
const OBEYED = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The data as they are, with an escape for what a terminal would obey: JSON has some of its own, and leaves out these. */
function jsonOf(data: object): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(data, undefined, 2).replace(OBEYED, escape);
}

/** Programs get a line a plugin, however long. */
function widthFor({ screen }: CommandContext): number {
  const terminal = screen();
  return terminal === undefined ? Number.POSITIVE_INFINITY : widthOf(terminal);
}
