import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { createRedisCache, type GrantKey } from '../src/index.js';
import { settle } from './support/fake-clock.js';
import { freePort } from './support/redis-server.js';
import { unhandledRejections } from './support/unhandled-rejections.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
const STORAGE = '../src/caches/redis/redis-storage.js';
const key = randomBytes(32).toString('base64');
const unhandled = unhandledRejections();

afterEach(() => {
  vi.doUnmock(STORAGE);
});

test('certificates that could not be had once are asked for again', async () => {
  let asked = 0;
  const cache = createRedisCache({
    url: `rediss://127.0.0.1:${String(await freePort())}`,
    key,
    timeoutMs: 5_000,
    ca: async () => {
      asked += 1;
      if (asked === 1) throw new Error('EMFILE: too many open files');
      return [];
    },
  });
  await expect(cache.getGrant(KEY)).rejects.toThrow('EMFILE');
  await expect(cache.getGrant(KEY)).rejects.toThrow(/cannot be used: .*ECONNREFUSED/);
  await expect(cache.getGrant(KEY)).rejects.toThrow(/cannot be used: .*ECONNREFUSED/);
  cache.close();

  expect(asked).toBe(2);
});

test('a part that could not be loaded once is loaded again, and a cache that is closed meanwhile ends no process', async () => {
  vi.resetModules();
  vi.doMock(STORAGE, () => {
    throw new Error('EMFILE: too many open files');
  });
  const { createRedisCache: createAnew } = await import('../src/index.js');
  const cache = createAnew({ url: `redis://127.0.0.1:${String(await freePort())}`, key, timeoutMs: 200 });
  const failed = expect(cache.getGrant(KEY)).rejects.toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  cache.close();
  await failed;
  cache.close();
  await settle();
  expect(unhandled).toEqual([]);

  vi.doUnmock(STORAGE);
  await expect(cache.getGrant(KEY)).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
  cache.close();
});
