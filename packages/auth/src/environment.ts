import { AuthError } from './auth-error.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import { parseDurationMs } from './duration.js';
import type { RefreshSettings } from './refresh-policy.js';
import { isRefreshSetting, refreshSettingRange } from './refresh-settings.js';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const DURATIONS: readonly (readonly [variable: string, setting: keyof RefreshSettings])[] = [
  ['KM_REFRESH_AHEAD', 'refreshAheadMs'],
  ['KM_RETRY_INTERVAL', 'retryIntervalMs'],
  ['KM_CHECK_INTERVAL', 'checkIntervalMs'],
  ['KM_REQUEST_TIMEOUT', 'requestTimeoutMs'],
  ['KM_REFRESH_DEADLINE', 'refreshDeadlineMs'],
];

/** A variable that is set to nothing is not set. */
function read(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function wrong(name: string, value: string, allowed: string): AuthError {
  return new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `${name} is ${JSON.stringify(value)}: it must be ${allowed}`,
  );
}

/**
 * What the environment says: `KILOMETERS_API_ENDPOINT`, `KILOMETERS_API_KEY`, `KM_PROFILE`, `KM_MAX_RETRIES`,
 * and as durations (`30s`, `5m`, `1h`) `KM_REFRESH_AHEAD`, `KM_RETRY_INTERVAL`, `KM_CHECK_INTERVAL`,
 * `KM_REQUEST_TIMEOUT`, `KM_REFRESH_DEADLINE`.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when a value is not of its form, or not in its range.
 */
export function authConfigFromEnvironment(env: Environment): AuthManagerConfig {
  const settings: { -readonly [K in keyof RefreshSettings]?: number } = {};
  for (const [name, setting] of DURATIONS) {
    const text = read(env, name);
    if (text === undefined) continue;
    const durationMs = Math.round(parseDurationMs(text) ?? Number.NaN);
    if (!isRefreshSetting(setting, durationMs))
      throw wrong(name, text, `a duration such as 30s, 5m or 1h, ${refreshSettingRange(setting)}`);
    settings[setting] = durationMs;
  }
  const retries = read(env, 'KM_MAX_RETRIES');
  if (retries !== undefined) {
    const count = /^\d+$/.test(retries) ? Number(retries) : Number.NaN;
    if (!isRefreshSetting('maxRetries', count))
      throw wrong('KM_MAX_RETRIES', retries, `a whole number ${refreshSettingRange('maxRetries')}`);
    settings.maxRetries = count;
  }
  return {
    ...settings,
    apiEndpoint: read(env, 'KILOMETERS_API_ENDPOINT'),
    apiKey: read(env, 'KILOMETERS_API_KEY'),
    profile: read(env, 'KM_PROFILE'),
  };
}
