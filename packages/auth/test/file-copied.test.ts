import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createFileCache,
  Secret,
  type FileCache,
  type GrantRecord,
} from '../src/index.js';

const KEY = { apiOrigin: 'https://api.example', profile: 'default', credential: 'login:1' };
const RECORD: GrantRecord = {
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret('refresh-1'), issuedAtMs: 1 },
};

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'km-copied-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function cacheOf(folder: string, machine: string, userId: string): FileCache {
  return createFileCache({ folder, environment: {}, machineId: () => machine, userId });
}

/** A folder with a login, copied. */
async function copiedLogin(): Promise<string> {
  const folder = await temporaryFolder();
  await cacheOf(folder, 'machine 1', '1000').updateGrant(KEY, () => RECORD);
  const copy = await temporaryFolder();
  await cp(folder, copy, { recursive: true });
  return copy;
}

test('files that were copied on the same machine by the same user open', async () => {
  const copy = await copiedLogin();
  const found = await cacheOf(copy, 'machine 1', '1000').getGrant(KEY);
  expect(found?.refreshToken?.secret.reveal()).toBe('refresh-1');
});

test.each([
  ['another machine', 'machine 2', '1000'],
  ['another user', 'machine 1', '1001'],
])(
  'files that were copied to %s do not open, say so, and are moved aside at the first write',
  async (_who, machine, userId) => {
    const copy = await copiedLogin();
    const cache = cacheOf(copy, machine, userId);
    const told: string[] = [];
    cache.subscribe?.(({ kind, message }) => told.push(`${kind}: ${message}`));
    expect(await cache.getGrant(KEY)).toBeUndefined();
    expect(told.join('\n')).toMatch(/^corrupt: .*another machine or by another user/);
    await cache.updateGrant(KEY, () => RECORD);
    expect((await readdir(copy)).some((name) => name.startsWith('.credentials.corrupt-'))).toBe(true);
    expect((await cache.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('refresh-1');
  },
);

test('who finds nobody logged in, in a folder that another machine shares, leaves its login and its tokens alone', async () => {
  const folder = await temporaryFolder();
  const key = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
  const token = new AuthToken({ value: 'token-1', scopes: ['default'], issuedAtMs: 1, expiresAtMs: 2 });
  const theirs = cacheOf(folder, 'machine 1', '1000');
  await theirs.updateGrant(key, () => ({ ...RECORD, tokens: new Map([['default', token]]) }));
  const files = (): Promise<readonly Buffer[]> =>
    Promise.all(['.credentials', '.auth_cache'].map((name) => readFile(join(folder, name))));
  const before = await files();
  const manager = createAuthManager({ cache: cacheOf(folder, 'machine 2', '1000') });
  await expect(manager.getValidToken()).rejects.toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });

  expect(await files()).toEqual(before);
  expect((await readdir(folder)).filter((name) => name.includes('corrupt'))).toEqual([]);
});
