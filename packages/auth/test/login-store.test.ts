import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileCache, endedLoginOf, Secret, type StoredLogin } from '../src/index.js';

let folder: string;
const open = () => createFileCache({ folder, environment: {} });
const WORK: StoredLogin = {
  profile: 'work',
  apiEndpoint: 'https://api.kilometers.ai',
  atMs: 1_000,
  kind: 'api_key',
  apiKey: new Secret('km_live_very_secret'),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-login-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('another process reads the login that was stored, its key included', async () => {
  await open().logins.set(WORK);
  const login = await open().logins.get('work');

  expect(login?.kind === 'api_key' && login.apiKey.reveal()).toBe('km_live_very_secret');
  expect({ ...login, apiKey: undefined }).toEqual({ ...WORK, apiKey: undefined });
});

test('a client’s credentials come back as they were', async () => {
  await open().logins.set({
    ...WORK,
    kind: 'client_credentials',
    clientId: 'robot',
    clientSecret: new Secret('s e c r e t'),
  });
  const login = await open().logins.get('work');

  expect(login?.kind === 'client_credentials' && login.clientSecret.reveal()).toBe('s e c r e t');
});

test('who stores a login learns which one it replaced, and of many at once each another', async () => {
  expect(await open().logins.set(WORK)).toBeUndefined();
  const logins = Array.from({ length: 8 }, (_, n) => ({ ...WORK, atMs: 2_000 + n }));
  const replaced = await Promise.all(logins.map((login) => open().logins.set(login)));

  const last = await open().logins.get('work');
  const all = [...replaced, last].map((login) => login?.atMs);
  expect(all.sort()).toEqual([WORK.atMs, ...logins.map(({ atMs }) => atMs)]);
});

test('profiles do not see each other’s logins', async () => {
  await open().logins.set(WORK);
  await open().logins.set({ ...WORK, profile: 'home', apiKey: new Secret('km_free_home') });
  await open().logins.remove('work');

  expect(await open().logins.get('work')).toBeUndefined();
  expect((await open().logins.list()).map(({ profile }) => profile)).toEqual(['home']);
});

test('logins and grants share a file without being taken for each other', async () => {
  const key = { apiOrigin: 'https://api.kilometers.ai', profile: 'work', credential: 'key:1' };
  const refreshToken = { secret: new Secret('rt'), issuedAtMs: 1 };
  await open().logins.set(WORK);
  await open().updateGrant(key, () => ({ tokens: new Map(), unexplainedRequestsAtMs: [], refreshToken }));

  expect(await open().listGrants()).toEqual([key]);
  expect(await open().logins.list()).toHaveLength(1);
});

test('the key stands in no file in the clear, and survives the removal of the token cache', async () => {
  await open().logins.set(WORK);
  await rm(join(folder, '.auth_cache'), { force: true });
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')));

  expect(contents.join('')).not.toContain('very_secret');
  expect((await open().logins.get('work'))?.profile).toBe('work');
});

test('the login of a person has no secret of its own, and comes back as it was', async () => {
  const login: StoredLogin = {
    profile: 'work',
    apiEndpoint: 'https://api.kilometers.ai',
    atMs: 1_000,
    kind: 'refresh_token',
  };
  await open().logins.set(login);
  expect(await open().logins.get('work')).toEqual(login);
});

test.each([[undefined], ['a client’s secret']])(
  'a login at another issuer comes back as it was, with client secret %s',
  async (clientSecret) => {
    const login: StoredLogin = {
      profile: 'work',
      apiEndpoint: 'https://api.example',
      atMs: 1_000,
      kind: 'oauth',
      provider: { issuer: 'https://issuer.example', clientId: 'app' },
      grant: { apiOrigin: 'https://issuer.example', profile: 'work', credential: 'login:1' },
      keySuffix: '',
      ...(clientSecret !== undefined && { clientSecret: new Secret(clientSecret) }),
    };
    await open().logins.set(login);
    const read = await open().logins.get('work');

    expect(read?.kind === 'oauth' && read.clientSecret?.reveal()).toBe(clientSecret);
    expect({ ...read, clientSecret: undefined }).toEqual({ ...login, clientSecret: undefined });
  },
);

test('a profile without a login has none', async () => {
  await open().logins.set(WORK);

  expect(await open().logins.get('home')).toBeUndefined();
});

test('of a login that is ended only who is to be told stays, until that is forgotten', async () => {
  const grant = { apiOrigin: 'https://issuer.example', profile: 'work', credential: 'login:1:x' };
  const provider = { issuer: 'https://issuer.example', clientId: 'app' };
  const clientSecret = new Secret('a client’s secret');
  const { profile, apiEndpoint, atMs } = WORK;
  await open().logins.set({
    ...{ profile, apiEndpoint, atMs, kind: 'oauth', provider, grant, keySuffix: '', clientSecret },
  });
  await open().logins.end('work', endedLoginOf);
  await open().logins.set(WORK);
  await open().logins.end('work', endedLoginOf);

  expect(await open().logins.get('work')).toBeUndefined();
  expect(await open().logins.list()).toEqual([]);
  expect(await open().listGrants()).toEqual([]);
  const ended = await open().logins.listEnded();
  expect(ended).toHaveLength(2);
  const atIssuer = ended.find((each) => each.provider !== undefined);
  expect({ ...atIssuer, clientSecret: atIssuer?.clientSecret?.reveal() }).toEqual({
    ...{ apiEndpoint, provider, grant, clientSecret: 'a client’s secret' },
  });
  const ofKey = { apiEndpoint, grant: endedLoginOf(WORK)!.grant };
  expect(ended).toContainEqual(ofKey);

  await open().logins.forget(grant);
  expect(await open().logins.listEnded()).toEqual([ofKey]);
});

test('of a login that is replaced stays who is to be told, if that is asked for', async () => {
  const other = { ...WORK, apiKey: new Secret('km_free_other') };
  await open().logins.set(WORK, endedLoginOf);
  expect(await open().logins.listEnded()).toEqual([]);
  expect(await open().logins.set(other, () => undefined)).toEqual(WORK);
  expect(await open().logins.listEnded()).toEqual([]);
  expect(await open().logins.set(WORK, endedLoginOf)).toEqual(other);

  expect(await open().logins.listEnded()).toEqual([endedLoginOf(other)]);
  expect(await open().logins.get('work')).toEqual(WORK);
  await open().logins.forget(endedLoginOf(other)!.grant);
  expect(await open().logins.listEnded()).toEqual([]);
});

test('a login that is made while one before it waits to be forgotten stays', async () => {
  await open().logins.set(WORK);
  await open().logins.end('work', endedLoginOf);
  expect(await open().logins.set({ ...WORK, atMs: 2_000 })).toBeUndefined();
  await open().logins.forget(endedLoginOf(WORK)!.grant);

  expect((await open().logins.get('work'))?.atMs).toBe(2_000);
  expect(await open().logins.listEnded()).toEqual([]);
});
