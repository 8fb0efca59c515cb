import { DAY_MS, expectNumbers, isWholeNumber, type NumberRange } from './number-option.js';
import { DEFAULT_REFRESH_SETTINGS, type RefreshSettings } from './refresh-policy.js';

const RANGES: Readonly<Record<keyof RefreshSettings, NumberRange>> = {
  refreshAheadMs: { min: 0, max: DAY_MS },
  retryIntervalMs: { min: 1, max: DAY_MS },
  maxRetries: { min: 0, max: 100 },
  checkIntervalMs: { min: 1, max: DAY_MS },
  requestTimeoutMs: { min: 1, max: DAY_MS },
  refreshDeadlineMs: { min: 0, max: DAY_MS },
};

/** Whether `setting` may be `value`: a whole number in its range. */
export function isRefreshSetting(setting: keyof RefreshSettings, value: number): boolean {
  return isWholeNumber(value, RANGES[setting]);
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
  return expectNumbers(RANGES, DEFAULT_REFRESH_SETTINGS, given);
}
