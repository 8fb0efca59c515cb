import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRedisCache, Secret, type CacheNotice, type GrantKey } from '../src/index.js';
import { HAS_REDIS, startRedis } from './support/redis-server.js';

const keyOf = (profile: string): GrantKey => ({
  apiOrigin: 'https://a.example',
  profile,
  credential: 'login:',
});
const REFRESH_TOKEN = { secret: new Secret('refresh'), issuedAtMs: 1 };

/** Breaks the last byte of a value in Redis. */
async function damage(raw: Redis, name: string, field: string): Promise<void> {
  const sealed = (await raw.hgetBuffer(name, field)) ?? Buffer.of(0);
  sealed.writeUInt8(sealed.readUInt8(sealed.length - 1) ^ 1, sealed.length - 1);
  await raw.hset(name, field, sealed);
}

describe.skipIf(!HAS_REDIS)('what is damaged in Redis', () => {
  test('is told, each by itself, with whose login it is, whatever a listener does', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const raw = new Redis(server.port);
    onTestFinished(() => raw.disconnect());
    const cache = createRedisCache({ url: server.url, key: randomBytes(32).toString('base64') });
    onTestFinished(() => cache.close());
    for (const profile of ['one', 'two']) {
      await cache.updateGrant(keyOf(profile), () => ({
        tokens: new Map(),
        unexplainedRequestsAtMs: [],
        refreshToken: REFRESH_TOKEN,
      }));
      await cache.logins.set({ kind: 'refresh_token', profile, apiEndpoint: 'https://a.example', atMs: 1 });
    }
    const grants = await raw.keys('*:grant');
    for (const name of grants) await damage(raw, name, 'sealed');
    const [logins = ''] = await raw.keys('*logins');
    for (const field of await raw.hkeys(logins)) await damage(raw, logins, field);
    cache.subscribe?.(() => {
      throw new Error('a listener failed');
    });
    const notices: CacheNotice[] = [];
    cache.subscribe?.((notice) => notices.push(notice));

    for (const profile of ['one', 'two', 'one']) {
      expect(await cache.getGrant(keyOf(profile))).toBeUndefined();
    }
    for (const profile of ['two', 'one']) expect(await cache.logins.get(profile)).toBeUndefined();
    const concerned = notices.map(({ mayConcernLogin }) =>
      ['one', 'two', 'three'].filter((profile) => mayConcernLogin?.(keyOf(profile))),
    );
    expect(concerned).toEqual([['one'], ['two'], ['two'], ['one']]);
    const said = notices.map(({ message }) => message).join('\n');
    expect(grants.filter((name) => !said.includes(name))).toEqual([]);
  });
});
