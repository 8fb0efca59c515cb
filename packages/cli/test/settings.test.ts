import { LOGIN_SCOPES, Secret, type StoredLogin } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import type { ProfileSettings } from '../src/config/configuration.js';
import { resolveAccount as resolve, type AccountFlags } from '../src/settings.js';

/** What `config.json` says, with nothing read from this machine. */
function configured(profiles: Readonly<Record<string, ProfileSettings>> = {}, activeProfile?: string) {
  return { activeProfile, profiles: new Map(Object.entries(profiles)) };
}

function resolveAccount(
  flags: AccountFlags,
  environment: NodeJS.ProcessEnv,
  logins: Parameters<typeof resolve>[2],
  configuration = configured(),
) {
  return resolve(flags, environment, logins, configuration);
}

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

  test('of the profile goes before that of its login, and after flag and environment', async () => {
    const own = configured({ default: { apiEndpoint: 'https://config.example', refresh: {} } });
    const endpointOf = async (flags: AccountFlags, variables: NodeJS.ProcessEnv) =>
      (await resolveAccount(flags, variables, loginsWith(), own)).endpoint;
    expect(await endpointOf({}, {})).toEqual({ value: 'https://config.example', source: 'config' });
    expect(await endpointOf({}, environment)).toMatchObject({ source: 'environment' });
    expect(await endpointOf({ endpoint: 'https://flag.example' }, environment)).toMatchObject({
      source: 'flag',
    });
  });
});

describe('the profile', () => {
  const work = configured({ work: { refresh: { refreshAheadMs: 1_000, maxRetries: 7 } } }, 'work');

  test.each([
    [{ profile: 'a' }, { KM_PROFILE: 'b' }, work, 'a', 'flag'],
    [{}, { KM_PROFILE: 'b' }, work, 'b', 'environment'],
    [{}, {}, work, 'work', 'config'],
    [{}, {}, configured(), 'default', 'default'],
  ] as const)('with %o and %o is from %#', async (flags, variables, configuration, value, source) => {
    const { profile, loginCommand } = await resolveAccount(flags, variables, undefined, configuration);
    expect(profile).toEqual({ value, source });
    // Another may be the active one when it is run, or another environment.
    const named = source === 'default' ? '' : ` --profile ${value}`;
    expect(loginCommand).toBe(`km auth login${named}`);
  });

  test('has refresh settings of its own, which the environment goes before', async () => {
    const { config } = await resolveAccount({}, { KM_REFRESH_AHEAD: '5s' }, undefined, work);
    expect(config).toMatchObject({ refreshAheadMs: 5_000, maxRetries: 7 });
    const other = await resolveAccount({ profile: 'other' }, {}, undefined, work);
    expect(other.config).not.toHaveProperty('refreshAheadMs');
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])('may be called %s', async (name) => {
    expect((await resolveAccount({ profile: name }, {}, undefined)).own).toEqual({ refresh: {} });
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

  test('is that of another issuer, where the login is of one, and no key of the environment is for it', async () => {
    const login = {
      kind: 'oauth',
      profile: 'default',
      apiEndpoint: STORED,
      atMs: 0,
      provider: { issuer: STORED },
      grant: { apiOrigin: STORED, profile: 'default', credential: 'login:' },
      keySuffix: '',
      loginId: 'id',
    } as const;
    const account = await resolveAccount({}, { KILOMETERS_API_KEY: 'key' }, { get: async () => login });
    expect(account).toMatchObject({ credential: { value: 'refresh_token', source: 'login' }, oauth: login });
    expect(account.config.apiKey).toBeUndefined();
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
    expect(account.config.loginCommand).toBe('km auth login --endpoint https://else.example');
  });

  test('of a person names scopes only where the next login would not ask for them by itself', async () => {
    const login = { kind: 'refresh_token', profile: 'default', apiEndpoint: STORED, atMs: 0 } as const;
    const { config } = await resolveAccount({}, {}, { get: async () => login });
    const command = config.loginCommand as (scopes: readonly string[]) => string;
    expect(command(LOGIN_SCOPES)).toBe('km auth login');
    const all = [...LOGIN_SCOPES, 'reports'].map((scope) => `--scope ${scope}`);
    expect(command(['monitoring', 'reports'])).toBe(['km auth login --device', ...all].join(' '));
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
