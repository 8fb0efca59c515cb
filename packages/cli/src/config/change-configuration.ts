import { accessSync, constants, existsSync, realpathSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceUnderLock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { CONFIGURATION_VERSION, type ConfigurationJson, type ProfileJson } from './configuration.js';
import { configurationPath, readConfigurationToChange } from './read-configuration.js';

type Change = (current: ConfigurationJson) => ConfigurationJson;
/** What {@link changeConfiguration} takes: `undefined` is for no file. */
type ChangeOrRemoval = (current: ConfigurationJson, isThere: boolean) => ConfigurationJson | undefined;

/**
 * Replaces `config.json` by what `change` makes of it, while no other `km` does. Members that are not known stay.
 * Where `change` returns what it was given, nothing is written, nor need there be a place to write to; where it returns
 * `undefined`, the file is removed.
 *
 * @throws {CliError} where the file is broken, or there is no place for one; {@link AuthError} `KM_AUTH_CACHE`
 *   where it cannot be written. It stays as it was.
 */
export async function changeConfiguration(
  { environment, clock, random, tell }: Pick<CommandContext, 'environment' | 'clock' | 'random' | 'tell'>,
  change: ChangeOrRemoval,
): Promise<void> {
  const path = placeIn(environment);
  if (isUnchanged(path, change)) return;
  const target = targetOf(path);
  const onRepair = (message: string): void => tell(`km: ${message}`);
  const place = { path: target, folder: dirname(path), name: 'config', clock, random, onRepair };
  await replaceUnderLock(place, () => {
    const { json } = readConfigurationToChange(path);
    const next = change(json, existsSync(target));
    if (next === json) return undefined;
    if (next === undefined) {
      rmSync(target, { force: true });
      return undefined;
    }
    return `${JSON.stringify({ version: CONFIGURATION_VERSION, ...next }, undefined, 2)}\n`;
  });
}

/**
 * Throws what {@link changeConfiguration} would, as far as that can be known without writing anything: for who asks a
 * human, or a server, for what is to be changed.
 *
 * @throws {CliError} where the file is broken or cannot be written, or there is no place for one.
 */
export function expectChangeable({ environment }: Pick<CommandContext, 'environment'>, change: Change): void {
  const path = placeIn(environment);
  if (isUnchanged(path, change)) return;
  for (const folder of new Set([dirname(path), dirname(targetOf(path))])) {
    try {
      expectPlaceIn(folder);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new CliError(
        `${path} cannot be written: ${why}; nothing was changed: make its folder writable for this user`,
        { exitCode: EXIT.failed, cause: error },
      );
    }
  }
}

/** Throws the file system's error where nothing can be written in `folder`; where it is not there, where it cannot be made. */
function expectPlaceIn(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!isMissing || dirname(folder) === folder) throw error;
    expectPlaceIn(dirname(folder));
  }
}

function placeIn(environment: NodeJS.ProcessEnv): string {
  const path = configurationPath(environment);
  if (path !== undefined) return path;
  throw new CliError('this user has no home folder: set KM_CONFIG_DIR to a folder for config.json', {
    exitCode: EXIT.failed,
  });
}

function isUnchanged(path: string, change: ChangeOrRemoval): boolean {
  const { json } = readConfigurationToChange(path);
  return change(json, existsSync(path)) === json;
}

/** What the file says of `profile`. */
export function profileIn({ profiles = {} }: ConfigurationJson, profile: string): ProfileJson | undefined {
  return Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
}

/** `profile` with what `change` makes of its settings. */
export function withProfile(
  json: ConfigurationJson,
  profile: string,
  change: (settings: ProfileJson) => ProfileJson,
): ConfigurationJson {
  const before = profileIn(json, profile);
  const after = change(before ?? {});
  return after === before ? json : { ...json, profiles: { ...json.profiles, [profile]: after } };
}

/** Some keep their settings elsewhere and link them here: then that file is replaced, and the link stays. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
