import { AuthError } from './auth-error.js';
import { DEFAULT_REFRESH_SETTINGS, type RefreshSettings } from './refresh-policy.js';

/** What a setting may be. */
type Range = { readonly min: number; readonly max: number };

const DAY_MS = 86_400_000;

const RANGES: Readonly<Record<keyof RefreshSettings, Range>> = {
  refreshAheadMs: { min: 0, max: DAY_MS },
  retryIntervalMs: { min: 1, max: DAY_MS },
  maxRetries: { min: 0, max: 100 },
  checkIntervalMs: { min: 1, max: DAY_MS },
  requestTimeoutMs: { min: 1, max: DAY_MS },
  refreshDeadlineMs: { min: 0, max: DAY_MS },
};

/** Whether `setting` may be `value`: a whole number in its range. */
export function isRefreshSetting(setting: keyof RefreshSettings, value: number): boolean {
  const { min, max } = RANGES[setting];
  return Number.isInteger(value) && value >= min && value <= max;
}

/** What `setting` may be, as who writes durations as texts would write it: `from 1ms to 1d`. */
export function refreshSettingRange(setting: keyof RefreshSettings): string {
  const { min, max } = RANGES[setting];
  const text = (value: number): string => {
    if (!setting.endsWith('Ms')) return String(value);
    if (value === 0) return '0s';
    return value % DAY_MS === 0 ? `${String(value / DAY_MS)}d` : `${String(value)}ms`;
  };
  return `from ${text(min)} to ${text(max)}`;
}

/**
 * The settings with their defaults.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when one is not a whole number in its range.
 */
export function refreshSettings(given: {
  readonly [K in keyof RefreshSettings]?: RefreshSettings[K] | undefined;
}): RefreshSettings {
  const settings: Record<string, number> = {};
  for (const [name, { min, max }] of Object.entries(RANGES)) {
    const setting = name as keyof RefreshSettings;
    const value = given[setting] ?? DEFAULT_REFRESH_SETTINGS[setting];
    if (!isRefreshSetting(setting, value)) {
      throw new AuthError(
        'KM_AUTH_INVALID_OPTION',
        `${name} is ${String(value)}: it must be a whole number${name.endsWith('Ms') ? ' of milliseconds' : ''} from ${String(min)} to ${String(max)}`,
      );
    }
    settings[name] = value;
  }
  return settings as RefreshSettings;
}
