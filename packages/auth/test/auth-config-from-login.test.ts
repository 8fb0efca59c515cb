import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  authConfigFromLogin,
  createAuthManager,
  createFileCache,
  endedLoginOf,
  Secret,
  type AuthManagerConfig,
  type StoredLogin,
} from '../src/index.js';
import { outcomeOf } from './support/setup.js';
import { startWireApi, WIRE_KEY, type WireApi } from './support/wire-api.js';

let folder: string;
let api: WireApi;
const cacheOf = () => createFileCache({ folder, environment: {} });
const keyed = (): StoredLogin => ({
  kind: 'api_key',
  profile: 'work',
  apiEndpoint: api.origin,
  atMs: 1_000,
  apiKey: new Secret(WIRE_KEY),
});
const ISSUER: StoredLogin = {
  kind: 'oauth',
  profile: 'corp',
  apiEndpoint: 'https://id.example.com',
  atMs: 1_000,
  provider: { issuer: 'https://id.example.com', clientId: 'app', login: 'browser' },
  grant: { apiOrigin: 'https://id.example.com', profile: 'corp', credential: 'login:1:of-the-issuer' },
  keySuffix: '',
  loginId: '1',
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-stored-'));
  api = await startWireApi();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('the login of the profile that is meant is used, at the endpoint that it was made at', async () => {
  const cache = cacheOf();
  await cache.logins.set(keyed());
  const manager = createAuthManager(await authConfigFromLogin({ cache, profile: 'work' }));
  expect((await manager.getValidToken('monitoring')).reveal()).toBe('wire-access-1');
  const other = await outcomeOf(authConfigFromLogin({ cache }));
  expect(other).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: 'nobody is logged in; run `km auth login`',
  });
});

test('what was put right while the login was read is told to who subscribes to the manager then', async () => {
  await cacheOf().logins.set(keyed());
  await chmod(join(folder, '.credentials'), 0o644);
  await chmod(folder, 0o755);
  const manager = createAuthManager(await authConfigFromLogin({ cache: cacheOf(), profile: 'work' }));
  const [first, second, gone]: [string[], string[], string[]] = [[], [], []];
  for (const told of [first, second]) {
    manager.subscribe((event) => {
      if ('message' in event) told.push(`${event.type}: ${event.message}`);
    });
  }
  manager.subscribe(({ type }) => gone.push(type))();
  expect(first).toEqual([]);
  await Promise.resolve();

  expect(first).toEqual([
    `cache.repaired: ${folder} could be entered by other users (mode 755): it is 700 now`,
    `cache.repaired: ${join(folder, '.credentials')} could be read by other users (mode 644): it is 600 now`,
  ]);
  expect(second).toEqual(first);
  expect(gone).toEqual([]);
});

test('a key that was replaced or logged out meanwhile wins nothing more, also in a program that had read it', async () => {
  const cache = cacheOf();
  await cache.logins.set(keyed());
  const manager = createAuthManager(await authConfigFromLogin({ cache, profile: 'work', maxRetries: 0 }));
  await cacheOf().logins.remove('work');
  expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message:
      'profile work was logged out meanwhile: after the next login, start this anew; run `km auth login --profile work`',
  });
  expect(api.tokenRequests()).toEqual([]);
});

test.each<[string, AuthManagerConfig]>([
  ['an API key', { apiKey: 'km_live_own' }],
  ['client credentials', { clientCredentials: { clientId: 'a', clientSecret: 'b' } }],
  ['a refresh token', { refreshToken: 'own' }],
])('%s of the program goes before the stored login', async (_, own) => {
  const cache = cacheOf();
  await cache.logins.set({ ...keyed(), profile: 'default' });
  const config = { ...own, cache };
  expect(await authConfigFromLogin(config)).toBe(config);
});

test('a login is not used at another origin, and what to run names that one', async () => {
  const cache = cacheOf();
  await cache.logins.set(keyed());
  const config = { cache, profile: 'work', apiEndpoint: 'https://other.example' };
  expect(await outcomeOf(authConfigFromLogin(config))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: expect.stringContaining(
      'run `km auth login --profile work --endpoint https://other.example`',
    ) as string,
  });
});

test('options that an environment leaves open are no endpoint and no key', async () => {
  const cache = cacheOf();
  await cache.logins.set(keyed());
  const open = { apiEndpoint: undefined, apiKey: undefined, loginCommand: undefined };
  const config = await authConfigFromLogin({ ...open, cache, profile: 'work' });
  expect(config).toMatchObject({ apiEndpoint: api.origin, loginCommand: 'km auth login --profile work' });
});

test('a scope that a login at an issuer does not serve is asked for with the next one', async () => {
  const cache = cacheOf();
  await cache.logins.set(ISSUER);
  const { loginCommand, loginId, provider } = await authConfigFromLogin({ cache, profile: 'corp' });
  expect(typeof loginCommand === 'function' && loginCommand(['read', 'write'])).toBe(
    'km auth login --profile corp --scope read --scope write',
  );
  // What an issuer grants may be anything that a scope may be, and somebody pastes it.
  expect(
    typeof loginCommand === 'function' && loginCommand(['$(id)', "it's", 'a b', 'https://a.example/b:c,d']),
  ).toBe(
    "km auth login --profile corp --scope '$(id)' --scope 'it'\\''s' --scope \"a b\" --scope https://a.example/b:c,d",
  );
  expect(loginId).toBe('1');
  expect(provider?.issuer?.origin).toBe('https://id.example.com');
});

test('an issuer’s client whose secret is gone is told before anything is sent', async () => {
  const cache = cacheOf();
  const clientAuthentication = { method: 'client_secret_basic' };
  await cache.logins.set({ ...ISSUER, provider: { ...ISSUER.provider, clientAuthentication } });
  expect(await outcomeOf(authConfigFromLogin({ cache, profile: 'corp' }))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message:
      'provider.clientAuthentication of the login at https://id.example.com needs a secret, and none is stored: log in again with it',
  });
});

test('a login of a newer version is not used, by whoever is at work either, and can be ended', async () => {
  const cache = cacheOf();
  await cache.logins.set(keyed());
  const config = await authConfigFromLogin({ cache, profile: 'work' });
  const { atMs, profile, apiEndpoint } = keyed();
  const newer = { profile, apiEndpoint, atMs, toJSON: () => ({ ...newer, kind: 'passkey' }) };
  await cache.logins.set({ ...newer, kind: 'refresh_token' });

  expect(await outcomeOf(authConfigFromLogin({ cache, profile: 'work' }))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message:
      'the login of profile work was stored by a newer version, which has to be used for it; run `km auth login --profile work`',
  });
  expect(await outcomeOf(createAuthManager(config).getValidToken())).toMatchObject({
    message: expect.stringContaining('was logged out meanwhile') as string,
  });
  await cache.logins.end('work', endedLoginOf);
  expect(await cache.logins.list()).toEqual([]);
  expect(await cache.logins.listEnded()).toEqual([]);
});
