import { join, resolve } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { clientConfig, placeOfConfig, type Client } from './client-config.js';
import { flagWords, type MonitorFlags } from './monitor-flags.js';

/** `km monitor --print-config`: prints what a client's configuration needs to run `command` through `km monitor`. */
export async function printClientConfig(
  client: Client,
  command: readonly [string, ...string[]],
  flags: MonitorFlags,
  context: CommandContext,
): Promise<number> {
  const text = clientConfig({
    client,
    // Both as they run now: a client may have neither in its PATH.
    km: [process.execPath, join(context.bundleFolder, '..', 'bin', 'km.cjs')],
    flags: flagWords(flags, (path) => resolve(path)),
    server: command,
    folder: resolve('.'),
  });
  await context.answer(`${text}\n`);
  context.tell(`km: put this into ${placeOfConfig(client)}`);
  context.tell('km: log in once with km auth login, so that no key has to stand in that file');
  return EXIT.done;
}
