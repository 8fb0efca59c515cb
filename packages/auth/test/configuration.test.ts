import { describe, expect, test } from 'vitest';
import {
  authConfigFromEnvironment,
  createAuthManager,
  Secret,
  type AuthManagerConfig,
} from '../src/index.js';
import { DEFAULT_REFRESH_SETTINGS } from '../src/refresh-policy.js';
import { refreshSettings } from '../src/refresh-settings.js';

describe('the configuration', () => {
  test('has the defaults that are documented', () => {
    expect(refreshSettings({})).toEqual({
      refreshAheadMs: 300_000,
      retryIntervalMs: 30_000,
      maxRetries: 3,
      checkIntervalMs: 60_000,
      requestTimeoutMs: 10_000,
      refreshDeadlineMs: 2_000,
    });
    expect(refreshSettings({ maxRetries: undefined })).toEqual(DEFAULT_REFRESH_SETTINGS);
  });

  test.each<[AuthManagerConfig, string]>([
    [
      { refreshAheadMs: -1 },
      'refreshAheadMs is -1: it must be a whole number of milliseconds from 0 to 86400000',
    ],
    [{ refreshAheadMs: 86_400_001 }, 'refreshAheadMs is 86400001: it must be'],
    [{ retryIntervalMs: 0 }, 'retryIntervalMs is 0: it must be'],
    [{ maxRetries: 1.5 }, 'maxRetries is 1.5: it must be a whole number from 0 to 100'],
    [{ maxRetries: Number.NaN }, 'maxRetries is NaN: it must be'],
    [{ checkIntervalMs: Number.POSITIVE_INFINITY }, 'checkIntervalMs is Infinity: it must be'],
    [{ requestTimeoutMs: 0 }, 'requestTimeoutMs is 0: it must be'],
    [{ refreshDeadlineMs: -2 }, 'refreshDeadlineMs is -2: it must be'],
    [{ profile: '../other' }, 'profile "../other" is not a profile name'],
    [{ profile: 'a'.repeat(65) }, 'is not a profile name'],
    [{ apiKey: '' }, 'apiKey is empty: give it, or leave it out'],
    [{ apiKey: new Secret(' ') }, 'apiKey is empty'],
    [{ refreshToken: '' }, 'refreshToken is empty'],
    [{ clientCredentials: { clientId: 'a', clientSecret: '' } }, 'clientCredentials.clientSecret is empty'],
    [{ apiEndpoint: 'nonsense' }, 'the API endpoint "nonsense" is not a URL'],
  ])('%j is refused with its name, the value, and what is allowed', (config, message) => {
    expect(() => createAuthManager(config)).toThrow(message);
    expect(() => createAuthManager(config)).toThrow(
      expect.objectContaining({ code: 'KM_AUTH_INVALID_OPTION' }),
    );
  });

  test('names the origin and the profile on the manager', () => {
    const manager = createAuthManager({ apiEndpoint: 'https://api.example.test/base', profile: 'work' });

    expect([manager.apiOrigin, manager.profile]).toEqual(['https://api.example.test', 'work']);
    expect(createAuthManager().apiOrigin).toBe('https://api.kilometers.ai');
    expect(createAuthManager().profile).toBe('default');
  });
});

describe('the environment', () => {
  test('gives every setting, with units', () => {
    const config = authConfigFromEnvironment({
      KM_REFRESH_AHEAD: '5m',
      KM_RETRY_INTERVAL: '30s',
      KM_CHECK_INTERVAL: '1m30s',
      KM_REQUEST_TIMEOUT: '1500ms',
      KM_REFRESH_DEADLINE: '2',
      KM_MAX_RETRIES: '7',
      KILOMETERS_API_ENDPOINT: 'https://api.example.test',
      KILOMETERS_API_KEY: 'km_pro_x',
      KM_PROFILE: 'work',
    });

    expect(config).toEqual({
      refreshAheadMs: 300_000,
      retryIntervalMs: 30_000,
      checkIntervalMs: 90_000,
      requestTimeoutMs: 1_500,
      refreshDeadlineMs: 2_000,
      maxRetries: 7,
      apiEndpoint: 'https://api.example.test',
      apiKey: 'km_pro_x',
      profile: 'work',
    });
  });

  test('that is empty says nothing, and a variable set to nothing is not set', () => {
    expect(refreshSettings(authConfigFromEnvironment({ KM_REFRESH_AHEAD: ' ', KM_MAX_RETRIES: '' }))).toEqual(
      DEFAULT_REFRESH_SETTINGS,
    );
    expect(authConfigFromEnvironment({ KILOMETERS_API_KEY: '' }).apiKey).toBeUndefined();
  });

  test.each([
    ['KM_REFRESH_AHEAD', 'soon', 'KM_REFRESH_AHEAD is "soon": it must be a duration such as 30s, 5m or 1h'],
    ['KM_CHECK_INTERVAL', '-1m', 'KM_CHECK_INTERVAL is "-1m"'],
    ['KM_MAX_RETRIES', 'many', 'KM_MAX_RETRIES is "many": it must be a whole number from 0 to 100'],
    ['KM_MAX_RETRIES', '-1', 'KM_MAX_RETRIES is "-1"'],
    [
      'KM_REFRESH_AHEAD',
      '2d',
      'KM_REFRESH_AHEAD is "2d": it must be a duration such as 30s, 5m or 1h, from 0s to 1d',
    ],
    [
      'KM_RETRY_INTERVAL',
      '0',
      'KM_RETRY_INTERVAL is "0": it must be a duration such as 30s, 5m or 1h, from 1ms to 1d',
    ],
    ['KM_REQUEST_TIMEOUT', '0.4ms', 'KM_REQUEST_TIMEOUT is "0.4ms": it must be'],
    ['KM_MAX_RETRIES', '101', 'KM_MAX_RETRIES is "101": it must be a whole number from 0 to 100'],
    ['KM_MAX_RETRIES', '99999999999999999999', 'it must be a whole number from 0 to 100'],
  ])('%s=%s is refused with its name, the value, and what is allowed', (name, value, message) => {
    expect(() => authConfigFromEnvironment({ [name]: value })).toThrow(message);
    expect(() => authConfigFromEnvironment({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'KM_AUTH_INVALID_OPTION' }),
    );
  });
});
