import type { LoginStore, StoredLogin } from '@kilometers/auth';
import type { Configuration } from './config/configuration.js';
import { settingsFrom } from './settings.js';

/**
 * The names of all profiles, sorted: those in `config.json`, those that somebody logged in, and the active one, which may
 * be neither.
 */
export async function profileNames(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
  logins: Pick<LoginStore, 'list'> | undefined,
): Promise<readonly string[]> {
  const stored: readonly StoredLogin[] = (await logins?.list()) ?? [];
  const { profile } = settingsFrom({}, environment, configuration);
  return [
    ...new Set([...configuration.profiles.keys(), ...stored.map(({ profile: name }) => name), profile.value]),
  ].sort();
}
