import { mkdtemp, rm } from 'node:fs/promises';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createFileCache,
  type CacheNotice,
  type FileCache,
  type GrantKey,
  type GrantRecord,
  Secret,
} from '../src/index.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
let folder: string;
const open = (): FileCache => createFileCache({ folder, environment: {} });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-file-sharing-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Adds a token for `scope`. */
function adding(scope: string): (current: GrantRecord | undefined) => GrantRecord {
  return (current) => ({
    unexplainedRequestsAtMs: [],
    ...current,
    tokens: new Map([
      ...(current?.tokens ?? []),
      [scope, new AuthToken({ value: scope, scopes: [scope], issuedAtMs: 0, expiresAtMs: 1 })],
    ]),
  });
}

async function storedScopes(): Promise<readonly string[]> {
  return [...((await open().getGrant(KEY))?.tokens.keys() ?? [])].sort();
}

/** Takes the lock of the files over, as another container does from an owner that stands still. */
function followOwner(): void {
  const lock = join(folder, '.locks', 'files');
  const head = Math.max(...readdirSync(lock).map(Number));
  writeFileSync(join(lock, String(head + 1).padStart(10, '0')), '');
}

test('a writer that stood still and was overtaken writes over nothing: it does its work again, on what is there now', async () => {
  let changes = 0;
  const other: Promise<unknown>[] = [];
  await open().updateGrant(KEY, (current) => {
    changes += 1;
    if (changes === 1) {
      followOwner();
      other.push(open().updateGrant(KEY, adding('other')));
    }
    return adding('own')(current);
  });
  await Promise.all(other);

  expect(await storedScopes()).toEqual(['other', 'own']);
  expect(changes).toBe(2);
});

test('a writer that is overtaken again and again says so, and writes nothing', async () => {
  const overtaken = open().updateGrant(KEY, (current) => {
    followOwner();
    return adding('own')(current);
  });

  await expect(overtaken).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
  expect(await storedScopes()).toEqual([]);
});

test('a key that another process made anew is read again, and nothing is called corrupt', async () => {
  const first = open();
  const notices: CacheNotice[] = [];
  first.subscribe?.((notice) => notices.push(notice));
  await first.updateGrant(KEY, adding('before'));
  for (const name of ['.cache_key', '.auth_cache', '.credentials'])
    rmSync(join(folder, name), { force: true });
  await open().updateGrant(KEY, adding('after'));

  expect([...((await first.getGrant(KEY))?.tokens.keys() ?? [])]).toEqual(['after']);
  expect((await first.listGrants()).length).toBe(1);
  expect(notices).toEqual([]);
});

test('a token at hand is had without opening what mints it; what is amiss there is told when that is needed', async () => {
  const issuedAtMs = Date.now();
  await open().updateGrant(KEY, () => ({
    unexplainedRequestsAtMs: [],
    tokens: new Map([
      [
        'monitoring',
        new AuthToken({ value: 'at hand', scopes: [], issuedAtMs, expiresAtMs: issuedAtMs + 3_600_000 }),
      ],
    ]),
    refreshToken: { secret: new Secret('refresh'), issuedAtMs },
  }));
  writeFileSync(join(folder, '.credentials'), 'not what was sealed');
  const notices: CacheNotice[] = [];
  const cache = open();
  cache.subscribe?.((notice) => notices.push(notice));
  const manager = createAuthManager({ apiEndpoint: KEY.apiOrigin, cache });

  expect((await manager.getValidToken('monitoring')).reveal()).toBe('at hand');
  expect(notices).toEqual([]);

  expect((await cache.getGrant(KEY))?.refreshToken).toBeUndefined();
  expect(notices.map(({ kind }) => kind)).toEqual(['corrupt']);
  expect(notices[0]?.message).toContain('.credentials');
});
