import type { KeySetSettings } from './entitlements-key-set.js';
import { DAY_MS, expectNumbers, type NumberRange } from './number-option.js';
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

const RANGES: Readonly<Record<keyof EntitlementsSettings, NumberRange>> = {
  keysMaxAgeMs: { min: 1_000, max: 7 * DAY_MS },
  keysMaxStaleMs: { min: 0, max: 30 * DAY_MS },
  keysCooldownMs: { min: 1_000, max: DAY_MS },
  clockToleranceMs: { min: 0, max: 600_000 },
  offlineLifetimeMs: { min: 0, max: LONGEST_OFFLINE_LIFETIME_MS },
  requestTimeoutMs: { min: 1, max: DAY_MS },
};

/**
 * The settings with their defaults.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when one is not a whole number in its range.
 */
export function entitlementsSettings(given: {
  readonly [K in keyof EntitlementsSettings]?: EntitlementsSettings[K] | undefined;
}): EntitlementsSettings {
  return expectNumbers(RANGES, DEFAULTS, given);
}
