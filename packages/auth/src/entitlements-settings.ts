import { AuthError } from './auth-error.js';
import type { KeySetSettings } from './entitlements-key-set.js';
import { DEFAULT_REFRESH_SETTINGS, LONGEST_OFFLINE_LIFETIME_MS } from './refresh-policy.js';

/** How tokens are verified. */
export type EntitlementsSettings = KeySetSettings & {
  /** By how much the clocks may differ, in milliseconds; up to 10 minutes. Default 60 000. */
  readonly clockToleranceMs: number;
  /**
   * How long after its end a token still entitles, in milliseconds; up to 30 days. Default 0. For a program that goes on while
   * the API is away: get its tokens with the same `offlineLifetimeMs`, which are newer ones where they can be had.
   */
  readonly offlineLifetimeMs: number;
  /** How long the answer with the keys may take, in milliseconds; up to a day. Default 10 000. */
  readonly requestTimeoutMs: number;
};

const DEFAULTS: EntitlementsSettings = {
  keysMaxAgeMs: 3_600_000,
  keysMaxStaleMs: 86_400_000,
  keysCooldownMs: 30_000,
  clockToleranceMs: 60_000,
  offlineLifetimeMs: 0,
  requestTimeoutMs: DEFAULT_REFRESH_SETTINGS.requestTimeoutMs,
};

const DAY_MS = 86_400_000;

const RANGES: Readonly<Record<keyof EntitlementsSettings, readonly [min: number, max: number]>> = {
  keysMaxAgeMs: [1_000, 7 * DAY_MS],
  keysMaxStaleMs: [0, 30 * DAY_MS],
  keysCooldownMs: [1_000, DAY_MS],
  clockToleranceMs: [0, 600_000],
  offlineLifetimeMs: [0, LONGEST_OFFLINE_LIFETIME_MS],
  requestTimeoutMs: [1, DAY_MS],
};

/**
 * The settings with their defaults.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when one is not a whole number in its range.
 */
export function entitlementsSettings(given: {
  readonly [K in keyof EntitlementsSettings]?: EntitlementsSettings[K] | undefined;
}): EntitlementsSettings {
  const settings: Record<string, number> = {};
  for (const [name, [min, max]] of Object.entries(RANGES)) {
    const setting = name as keyof EntitlementsSettings;
    const value = given[setting] ?? DEFAULTS[setting];
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new AuthError(
        'KM_AUTH_INVALID_OPTION',
        `${name} is ${String(value)}: it must be a whole number of milliseconds from ${String(min)} to ${String(max)}`,
      );
    }
    settings[name] = value;
  }
  return settings as EntitlementsSettings;
}
