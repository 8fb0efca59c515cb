import { Secret, type StoredLogin } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { resolveAccount } from '../src/settings.js';

const STORED = 'https://stored.example/v2';

function loginsWith(profile = 'default') {
  const login: StoredLogin = {
    kind: 'api_key',
    profile,
    apiEndpoint: STORED,
    atMs: 0,
    apiKey: new Secret('stored-key'),
  };
  return { get: (name: string) => Promise.resolve(name === profile ? login : undefined) };
}

describe('the endpoint', () => {
  const environment = { KILOMETERS_API_ENDPOINT: 'https://variable.example' };
  test.each([
    [{ endpoint: 'https://flag.example' }, environment, 'https://flag.example', 'flag'],
    [{}, environment, 'https://variable.example', 'environment'],
    [{}, {}, STORED, 'login'],
    [{ profile: 'other' }, {}, 'https://api.kilometers.ai', 'default'],
  ] as const)('with %o and %o is %s', async (flags, variables, value, source) => {
    const account = await resolveAccount(flags, variables, loginsWith());
    expect(account.endpoint).toEqual({ value, source });
    expect(account.config.apiEndpoint).toBe(value);
  });
});

describe('the credential', () => {
  test('is the stored one of the profile', async () => {
    const account = await resolveAccount({}, {}, loginsWith());
    expect(account.credential).toEqual({ value: 'api_key', source: 'login' });
    expect(Secret.from(account.config.apiKey ?? '').reveal()).toBe('stored-key');
  });

  test('is the API key of the environment before that', async () => {
    const account = await resolveAccount({}, { KILOMETERS_API_KEY: 'key' }, loginsWith());
    expect(account.credential).toEqual({ value: 'api_key', source: 'environment' });
    expect(account.config.apiKey).toBe('key');
  });

  test('is nothing for another profile', async () => {
    const account = await resolveAccount({}, { KM_PROFILE: 'other' }, loginsWith());
    expect(account).toMatchObject({ credential: undefined, note: undefined });
  });

  test('is nothing at another origin than the one logged in to, and that is said', async () => {
    const account = await resolveAccount({ endpoint: 'https://else.example' }, {}, loginsWith());
    expect(account.credential).toBeUndefined();
    expect(account.config).not.toHaveProperty('apiKey', expect.any(Secret));
    expect(account.note).toContain('logged in to https://stored.example');
    expect(account.config.loginCommand).toBe('km auth login --api-key-stdin --endpoint https://else.example');
  });

  test('is the stored one at another path of the same origin', async () => {
    const account = await resolveAccount({ endpoint: 'https://stored.example/v3' }, {}, loginsWith());
    expect(account.credential).toEqual({ value: 'api_key', source: 'login' });
  });

  test('of the environment is used although stored logins cannot be read', async () => {
    const broken = { get: () => Promise.reject(new Error('the keyring is locked')) };
    const account = await resolveAccount({}, { KILOMETERS_API_KEY: 'key' }, broken);
    expect(account).toMatchObject({ credential: { source: 'environment' }, note: undefined });
    const without = await resolveAccount({}, {}, broken);
    expect(without.note).toContain('the keyring is locked');
  });
});
