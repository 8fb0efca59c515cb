import {
  authConfigFromEnvironment,
  DEFAULT_REFRESH_SETTINGS,
  type Environment,
  type RefreshSettings,
} from '@kilometers/auth';
import { REFRESH_MEMBERS, type ProfileSettings } from '../config/configuration.js';
import type { Sourced } from '../settings.js';

/** A setting of how tokens are refreshed, as `config.json` names it. Durations are milliseconds. */
export type RefreshSetting = Sourced<number> & { readonly name: string };

/** How a profile's tokens are refreshed, and where each setting came from. */
export function refreshSettingSources(
  { refresh }: ProfileSettings,
  environment: Environment,
): readonly RefreshSetting[] {
  const fromEnvironment = authConfigFromEnvironment(environment);
  return [...REFRESH_MEMBERS].map(([name, setting]): RefreshSetting => {
    const set = fromEnvironment[setting];
    if (set !== undefined) return { name, value: set, source: 'environment' };
    const own = refresh[setting];
    if (own !== undefined) return { name, value: own, source: 'config' };
    return { name, value: DEFAULT_REFRESH_SETTINGS[setting], source: 'default' };
  });
}

/** Whether a setting is a duration, and no count. */
export function isDuration({ name }: Pick<RefreshSetting, 'name'>): boolean {
  const setting: keyof RefreshSettings | undefined = REFRESH_MEMBERS.get(name);
  return setting?.endsWith('Ms') ?? false;
}
