import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthError, AuthToken, createFileCache, type FileCache } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { grantKeyOf } from '../src/grant-of-account.js';
import { renewElsewhere } from '../src/refresh/renew-elsewhere.js';
import { resolveAccount } from '../src/settings.js';
import { openStorage } from '../src/token-cache.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

const AT = { profile: 'work', apiEndpoint: 'https://api.example' };
const KEY = grantKeyOf(AT);
const WANTED = { scope: 'monitoring', replaces: undefined, minValidMs: 7 };

/** Somebody who is logged in as `work`, and what stands in for `km`: it notes how it was started, and does as it is told. */
async function loggedIn(
  variables: Readonly<Record<string, string>> = {},
  {
    exitCode = 0,
    lockOwner,
  }: { readonly exitCode?: number; readonly lockOwner?: FileCache['lockOwner'] } = {},
) {
  const [folder, bundleFolder, clock] = [temporaryFolder(), temporaryFolder(), new FakeClock()];
  const noted = join(bundleFolder, 'noted.json');
  const note = `JSON.stringify({ words: process.argv.slice(2), isApart: process.env.KM_REFRESH_APART })`;
  writeFileSync(
    join(bundleFolder, 'main.cjs'),
    `require('fs').writeFileSync(${JSON.stringify(noted)}, ${note}); process.exit(${exitCode})`,
  );
  const environment = { KM_CONFIG_DIR: folder, ...variables };
  const cache = createFileCache({ folder, environment });
  await cache.logins.set({ ...AT, kind: 'refresh_token', atMs: 0 });
  const context = contextWith(environment, { clock, bundleFolder });
  const storage = openStorage(context);
  const account = await resolveAccount({ profile: 'work' }, environment, storage.files?.logins);
  const files = storage.files && { ...storage.files, ...(lockOwner !== undefined && { lockOwner }) };
  const renew = renewElsewhere({ account, storage: { ...storage, files }, flags: {} }, context);
  const started = (): unknown => {
    try {
      return JSON.parse(readFileSync(noted, 'utf8'));
    } catch {
      return undefined;
    }
  };
  return { renew, started, cache, clock };
}

function failed(cache: FileCache, atMs: number) {
  const lastFailure = { code: 'KM_AUTH_UNREACHABLE', message: 'there is no network', atMs };
  return cache.updateGrant(KEY, () => ({ tokens: new Map(), unexplainedRequestsAtMs: [], lastFailure }));
}

test('a login is renewed by a km that knows its profile, and starts none itself', async () => {
  const { renew, started } = await loggedIn();
  await renew?.(WANTED);
  expect(started()).toEqual({
    words: ['auth', 'token', '--scope', 'monitoring', '--min-valid', '7ms', '--profile', 'work'],
    isApart: 'session',
  });
});

test.each([
  ['an API key, which wins as many tokens as are wanted', { KILOMETERS_API_KEY: 'km_live_key' }],
  ['what only this process has', { KM_NO_TOKEN_CACHE: '1' }],
])('nothing else is started for %s', async (_, variables) => {
  expect((await loggedIn(variables)).renew).toBeUndefined();
});

test('nor for tokens that live so short that it would always be started', async () => {
  const { renew, started } = await loggedIn();
  const token = { value: 'short', scopes: ['monitoring'], issuedAtMs: 0 };
  await renew?.({ ...WANTED, replaces: new AuthToken({ ...token, expiresAtMs: 59_999 }) });
  expect(started()).toBeUndefined();
  await renew?.({ ...WANTED, replaces: new AuthToken({ ...token, expiresAtMs: 60_000 }) });
  expect(started()).toBeDefined();
});

test('nor where another process is at it', async () => {
  const { renew, started, cache } = await loggedIn();
  await cache.withLock(KEY, async () => renew?.(WANTED), { timeoutMs: 1_000 });
  expect(started()).toBeUndefined();
});

test('nor where the storage cannot be asked, which the session finds out by itself', async () => {
  const lockOwner = () => Promise.reject(new AuthError('KM_AUTH_CACHE', 'Redis is down'));
  const { renew, started } = await loggedIn({}, { lockOwner });
  await expect(renew?.(WANTED)).resolves.toBeUndefined();
  expect(started()).toBeUndefined();
});

test('what it has found out, and nothing that was found out before, is the failure', async () => {
  const { renew, cache, clock } = await loggedIn({}, { exitCode: 75 });
  await failed(cache, clock.nowMs() - 1);
  await expect(renew?.(WANTED)).resolves.toBeUndefined();
  await failed(cache, clock.nowMs());
  await expect(renew?.(WANTED)).rejects.toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: 'there is no network',
  });
});

test('where it has worked, the failure of another scope is none', async () => {
  const { renew, cache, clock } = await loggedIn();
  await failed(cache, clock.nowMs());
  await expect(renew?.(WANTED)).resolves.toBeUndefined();
});
