import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import { createRedisCache, type RedisCache } from '../src/index.js';
import { tokenCacheContract } from './contract/token-cache-contract.js';
import { HAS_REDIS, startRedis, type RedisServer } from './support/redis-server.js';

describe.skipIf(!HAS_REDIS)('with a real Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  tokenCacheContract('redis', () => {
    const opened: RedisCache[] = [];
    const key = randomBytes(32).toString('base64');
    const namePrefix = `${randomBytes(6).toString('hex')}:`;
    return {
      open: () => {
        const cache = createRedisCache({ url: server.url, key, namePrefix });
        opened.push(cache);
        return Promise.resolve(cache);
      },
      close: async () => {
        for (const cache of opened) cache.close();
      },
    };
  });
});
