import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import {
  createRedisCache,
  Secret,
  type GrantKey,
  type GrantRecord,
  type RedisCache,
} from '../../src/index.js';
import { startRedis, type RedisServer } from './redis-server.js';

export const KEY: GrantKey = {
  apiOrigin: 'https://api.kilometers.ai',
  profile: 'default',
  credential: 'login:',
};

/** A login of this refresh token, which ends then where that is said. */
export function recordOf(refreshToken: string, endsAtMs?: number): GrantRecord {
  return {
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    refreshToken: {
      secret: new Secret(refreshToken),
      issuedAtMs: 1,
      ...(endsAtMs !== undefined && { expiresAtMs: endsAtMs }),
    },
  };
}

/** A Redis for the tests of a file, empty before each. */
export function redisForTests() {
  let server: RedisServer;
  let raw: Redis;
  const key = randomBytes(32).toString('base64');
  beforeAll(async () => {
    server = await startRedis();
    raw = new Redis(server.port);
  });
  afterAll(async () => {
    raw.disconnect();
    await server.stop();
  });
  beforeEach(() => raw.flushall());
  return {
    /** A connection that knows nothing of the cache. */
    raw: () => raw,
    /** A cache there: another process, as far as others can tell. */
    open: (): RedisCache => {
      const cache = createRedisCache({ url: server.url, key });
      onTestFinished(() => cache.close());
      return cache;
    },
  };
}
