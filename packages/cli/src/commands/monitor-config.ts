import { join, resolve } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { isSet } from '../is-set.js';
import { absoluteWords } from '../monitor/absolute-words.js';
import { clientConfig, folderVariables, placeOfConfig } from '../monitor/client-config.js';
import type { Client } from '../monitor/mcp-clients.js';
import { scriptPath } from '../monitor/script-path.js';
import { assertAccount, flagWords, redactedPaths, type MonitorFlags } from '../monitor/monitor-flags.js';
import { commandFor, issuerOf, resolveAccount, settingsFrom, type AccountFlags } from '../settings.js';
import { openStorage } from '../token-cache.js';

/** What says in a shell who is meant: a client that is not started from one has none of it. */
const OF_THE_SHELL = ['KILOMETERS_API_KEY', 'KILOMETERS_API_ENDPOINT', 'KM_PROFILE'];
const KEY = 'KILOMETERS_API_KEY';
/** Who shares a login with others: it is no one's to keep, and the key must not stand in a file unseen. */
const OF_A_FLEET = ['KM_CACHE_URL', 'KM_CACHE_KEY'];
/** What says in a shell how the network is reached, and whom it trusts. A proxy's URL may have a password in it. */
const OF_THE_NETWORK: ReadonlySet<string> = new Set([
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
]);

/** `km monitor --print-config`: prints what a client's configuration needs to run `command` through `km monitor`. */
export async function runMonitorConfig(
  client: Client,
  command: readonly [string, ...string[]],
  flags: MonitorFlags,
  context: CommandContext,
): Promise<number> {
  assertAccount(flags);
  redactedPaths(flags);
  // What sends nothing is nobody's.
  const meant = flags.local === true ? flags : { ...flags, ...accountOfShell(flags, context) };
  const place = {
    folder: resolve('.'),
    path: context.environment['PATH'] ?? '',
    platform: process.platform,
  };
  const { words: server, changed } = absoluteWords(command, place);
  const script = scriptPath(server[0], place);
  const text = clientConfig({
    client,
    // Both as they run now: a client may have neither in its PATH.
    km: [process.execPath, join(context.bundleFolder, '..', 'bin', 'km.cjs')],
    flags: flagWords(meant, (path) => resolve(path)),
    env: {
      ...folderVariables(context.environment, (path) => resolve(path)),
      ...(script !== undefined && { PATH: script.path }),
    },
    server,
  });
  await context.answer(`${text}\n`);
  context.tell(`km: put this into ${placeOfConfig(client, process.platform)}`);
  if (changed.length > 0)
    context.tell(`km: with their whole paths, for the client starts it elsewhere: ${changed.join(', ')}`);
  if (script !== undefined)
    context.tell(
      `km: with PATH in "env", for ${command[0]} is a script that looks for ${script.interpreter} there`,
    );
  if (flags.local !== true) {
    tellNetwork(context);
    await tellLogin(meant, context);
  }
  return EXIT.done;
}

/** The profile and the endpoint that the environment says, as the flags that say the same to a client. */
function accountOfShell(flags: AccountFlags, { environment }: CommandContext): AccountFlags {
  const { profile, endpoint } = settingsFrom(flags, environment);
  return {
    ...(profile.source === 'environment' && { profile: profile.value }),
    ...(endpoint?.source === 'environment' && { endpoint: endpoint.value }),
  };
}

/** Says what of this shell the client lacks to reach the API, where it is not started from one. */
function tellNetwork({ environment, tell }: CommandContext): void {
  const names = Object.keys(environment).filter(
    (name) => OF_THE_NETWORK.has(name.toUpperCase()) && isSet(environment, name),
  );
  if (names.length > 0)
    tell(
      `km: the client does not have ${names.sort().join(', ')} of this shell: add what the network needs to "env"`,
    );
}

/** Says whose login the client will have, or that it will have none. */
async function tellLogin({ profile, endpoint }: MonitorFlags, context: CommandContext): Promise<void> {
  const { environment, tell } = context;
  const fleet = OF_A_FLEET.filter((name) => isSet(environment, name));
  if (fleet.length > 0) {
    tell(
      `km: the client does not have ${fleet.join(' and ')} of this shell, and finds no login without: add it to "env"`,
    );
    return;
  }
  const elsewhere = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !OF_THE_SHELL.includes(name)),
  );
  const flags = {
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint }),
  };
  const account = await resolveAccount(flags, elsewhere, openStorage(context).files?.logins);
  // Another issuer takes no key anyhow.
  const hasKey = isSet(environment, KEY) && issuerOf(account) === undefined;
  const lacks = hasKey ? `the client does not have ${KEY} of this shell` : '';
  if (account.credential === undefined) {
    const command = hasKey ? commandFor('km auth login --api-key-stdin', account) : account.loginCommand;
    const first = hasKey ? `${lacks}: ` : '';
    tell(`km: ${first}log in with \`${command}\`, so that no key has to stand in that file`);
    return;
  }
  const { profile: name, endpoint: place } = account;
  tell(`km: no key has to stand in that file: profile ${name.value} is logged in to ${place.value}`);
  if (hasKey) tell(`km: ${lacks}, and uses that login`);
}
