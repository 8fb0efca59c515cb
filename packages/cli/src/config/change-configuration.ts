import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceUnderLock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { CONFIGURATION_VERSION, type ConfigurationJson, type ProfileJson } from './configuration.js';
import { configurationPath, readConfigurationToChange } from './read-configuration.js';

type Change = (current: ConfigurationJson) => ConfigurationJson;

/**
 * Replaces `config.json` by what `change` makes of it, while no other `km` does. Members that are not known stay.
 * Where `change` returns what it was given, nothing is written.
 *
 * @throws {CliError} where the file is broken, or there is no place for one; {@link AuthError} `KM_AUTH_CACHE`
 *   where it cannot be written. It stays as it was.
 */
export async function changeConfiguration(
  { environment, clock, random }: Pick<CommandContext, 'environment' | 'clock' | 'random'>,
  change: Change,
): Promise<void> {
  const path = configurationPath(environment);
  if (path === undefined) {
    throw new CliError('this user has no home folder: set KM_CONFIG_DIR to a folder for config.json', {
      exitCode: EXIT.failed,
    });
  }
  await replaceUnderLock(
    { path: targetOf(path), folder: dirname(path), name: 'config', clock, random },
    () => {
      const { json } = readConfigurationToChange(path);
      const next = change(json);
      if (next === json) return undefined;
      return `${JSON.stringify({ version: CONFIGURATION_VERSION, ...next }, undefined, 2)}\n`;
    },
  );
}

/** `profile` with what `change` makes of its settings. */
export function withProfile(
  json: ConfigurationJson,
  profile: string,
  change: (settings: ProfileJson) => ProfileJson,
): ConfigurationJson {
  const profiles = json.profiles ?? {};
  const before: ProfileJson = Object.hasOwn(profiles, profile) ? (profiles[profile] ?? {}) : {};
  const after = change(before);
  const isSame = after === before && Object.hasOwn(profiles, profile);
  return isSame ? json : { ...json, profiles: { ...profiles, [profile]: after } };
}

/** Some keep their settings elsewhere and link them here: then that file is replaced, and the link stays. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
