import {
  createFileCache,
  createMemoryCache,
  Secret,
  type GrantKey,
  type GrantRecord,
} from '@kilometers/auth';
import { expect, test } from 'vitest';
import { keepGrants, putBack, type KeptGrants } from '../src/login/keep-grants.js';
import type { SharedCache } from '../src/token-cache.js';
import { temporaryFolder } from './support/context.js';

const KEY: GrantKey = { apiOrigin: 'https://api.example', profile: 'default', credential: 'none' };

/** What a refresh token is kept in. */
const grantOf = (refreshToken: string): GrantRecord => ({
  tokens: new Map(),
  refreshToken: { secret: new Secret(refreshToken), issuedAtMs: 0 },
  unexplainedRequestsAtMs: [],
});

/** A cache with a login in it, whose answers get lost, as those of a Redis may: what is asked for is done all the same. */
async function cacheWith(before: GrantRecord) {
  const memory = createMemoryCache();
  await memory.updateGrant(KEY, () => before);
  let isCutOff = false;
  const answer = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    if (isCutOff) throw new Error('the connection was lost');
    return result;
  };
  const files = {
    ...memory,
    getGrant: (key: GrantKey) => answer(memory.getGrant(key)),
    updateGrant: (key: GrantKey, change: Parameters<typeof memory.updateGrant>[1]) =>
      isCutOff ? answer(Promise.resolve(undefined)) : memory.updateGrant(key, change),
  } as SharedCache;
  return {
    memory,
    files,
    /** The next change is made, and its answer is lost; from then on nothing is heard until it is mended. */
    cutOffInChange: (): SharedCache => ({
      ...files,
      updateGrant: async (key, change) => {
        if (!isCutOff) await memory.updateGrant(key, change);
        isCutOff = true;
        throw new Error('the connection was lost');
      },
    }),
    mend: () => {
      isCutOff = false;
    },
  };
}

const keptIn = async (memory: Pick<SharedCache, 'getGrant'>) =>
  (await memory.getGrant(KEY))?.refreshToken?.secret.reveal();

/** Keeps a login while the answer of the cache is lost. */
async function keepCutOff({ cutOffInChange }: Awaited<ReturnType<typeof cacheWith>>): Promise<KeptGrants> {
  const kept: KeptGrants = new Map();
  const keeping = keepGrants({ grants: [{ key: KEY, record: grantOf('won') }] }, cutOffInChange(), {
    timeoutMs: 1_000,
    signal: new AbortController().signal,
    kept,
  });
  await expect(keeping).rejects.toThrow('the connection was lost');
  return kept;
}

test('a grant that was stored though the answer was lost is replaced by the one from before', async () => {
  const cache = await cacheWith(grantOf('before'));
  const kept = await keepCutOff(cache);
  expect(await keptIn(cache.memory)).toBe('won');
  cache.mend();
  expect([...(await putBack(kept, cache.files)).values()]).toEqual(['before']);
  expect(await keptIn(cache.memory)).toBe('before');
});

test('of a grant that cannot be read it is not told that it is the one from before', async () => {
  const cache = await cacheWith(grantOf('before'));
  const kept = await keepCutOff(cache);
  expect([...(await putBack(kept, cache.files)).values()]).toEqual(['unknown']);
});

test('a grant that others have changed while they had the lock is left as it is, and was not replaced', async () => {
  const cache = await cacheWith(grantOf('before'));
  const kept: KeptGrants = new Map();
  const overtaken: SharedCache = {
    ...cache.files,
    updateGrant: async (key, change) => {
      const next = change(await cache.memory.getGrant(key));
      if (next?.refreshToken?.secret.reveal() !== 'won') return cache.memory.updateGrant(key, change);
      await cache.memory.updateGrant(key, () => grantOf('rotated'));
      throw new Error('another took its lock over');
    },
  };
  const keeping = keepGrants({ grants: [{ key: KEY, record: grantOf('won') }] }, overtaken, {
    timeoutMs: 1_000,
    signal: new AbortController().signal,
    kept,
  });
  await expect(keeping).rejects.toThrow('took its lock over');
  expect(await keptIn(cache.memory)).toBe('rotated');
  expect(kept.size).toBe(0);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s while another has the lock: nothing is stored, and km ends as of that signal',
  async (signal, exitCode) => {
    const files = createFileCache({ folder: temporaryFolder(), environment: {} });
    await files.updateGrant(KEY, () => grantOf('before'));
    const giveUp = new AbortController();
    await files.withLock(
      KEY,
      async () => {
        const keeping = keepGrants({ grants: [{ key: KEY, record: grantOf('won') }] }, files, {
          timeoutMs: 60_000,
          signal: giveUp.signal,
          kept: new Map(),
        });
        giveUp.abort(signal);
        await expect(keeping).rejects.toMatchObject({
          exitCode,
          message: 'the login was given up; nothing was stored',
        });
      },
      { timeoutMs: 1_000 },
    );
    expect(await keptIn(files)).toBe('before');
  },
);
