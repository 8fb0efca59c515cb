import { existsSync } from 'node:fs';
import { formatDuration } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import type { Configuration } from '../config/configuration.js';
import { configurationPath, readConfiguration } from '../config/read-configuration.js';
import { loginOutOfReach } from '../hindrance.js';
import { resolveAccount, type Account, type AccountFlags } from '../settings.js';
import { isDuration, refreshSettingSources } from '../status/setting-sources.js';
import type { Storage } from '../token-cache.js';
import { messageOf } from '../message-of.js';
import { failed, failedBy, ok, warning, type HealthCheck } from './health-check.js';

/** What was found, and what there is to go on with. */
type Settled = {
  readonly checks: readonly HealthCheck[];
  readonly configuration: Configuration;
  /** `undefined` where flags or variables make no sense. */
  readonly account: Account | undefined;
};

/** What runs this. Whoever reports a problem is asked for it. */
export function versionCheck({ version }: Pick<CommandContext, 'version'>): HealthCheck {
  return ok('km', `${version} with Node.js ${process.versions.node} on ${process.platform} ${process.arch}`);
}

/** `config.json`, and the settings that come of it; where it is broken, of the rest. */
export async function settle(
  flags: AccountFlags,
  { environment }: Pick<CommandContext, 'environment'>,
  files: Storage['files'],
): Promise<Settled> {
  const { check, configuration } = readConfig(environment);
  try {
    const account = await resolveAccount(flags, environment, files?.logins, configuration);
    return { checks: [check, settingsCheck(account, environment)], configuration, account };
  } catch (error) {
    const wrong = failed('settings', messageOf(error), 'correct the variable or flag that it names');
    return { checks: [check, wrong], configuration, account: undefined };
  }
}

function readConfig(environment: NodeJS.ProcessEnv): {
  readonly check: HealthCheck;
  readonly configuration: Configuration;
} {
  const path = configurationPath(environment);
  try {
    const configuration = readConfiguration(environment);
    const count = configuration.profiles.size;
    const detail =
      path === undefined || !existsSync(path)
        ? 'there is no config.json: defaults, flags and the environment count'
        : `${path}: ${count === 1 ? '1 profile' : `${count} profiles`}`;
    return { check: ok('config', detail), configuration };
  } catch (error) {
    return {
      check: brokenConfig(error),
      configuration: { path, activeProfile: undefined, profiles: new Map() },
    };
  }
}

/** One that is broken is for its owner to correct; what else is wrong with it says itself what helps. */
function brokenConfig(error: unknown): HealthCheck {
  const message = messageOf(error);
  const what = message.replace(/; nothing was changed: .*$/, '');
  if (what === message) return failedBy('config', error);
  return failed('config', what, 'correct it, or move it away and run km init; nothing overwrites it');
}

/** Where each setting came from. */
function settingsCheck(account: Account, environment: NodeJS.ProcessEnv) {
  const { profile, endpoint, credential, note, own } = account;
  const made = refreshSettingSources(own, environment).filter(({ source }) => source !== 'default');
  const words = [
    `profile ${profile.value} (${profile.source})`,
    `endpoint ${endpoint.value} (${endpoint.source})`,
    credential === undefined ? 'no credential' : `${credential.value} (${credential.source})`,
    ...made.map((setting) => {
      const { name, value, source } = setting;
      return `${name} ${isDuration(setting) ? formatDuration(value) : String(value)} (${source})`;
    }),
  ].join(', ');
  if (note === undefined) return ok('settings', words);
  const remedy = loginOutOfReach(account)?.remedy ?? 'log in for this endpoint';
  return warning('settings', `${words}; ${note}`, remedy);
}
