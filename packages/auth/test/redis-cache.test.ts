import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createRedisCache, endedLoginOf, type RedisCache, type StoredLogin } from '../src/index.js';
import { tokenCacheContract } from './contract/token-cache-contract.js';
import { documentedUser, HAS_REDIS, startRedis, type RedisServer } from './support/redis-server.js';

describe.skipIf(!HAS_REDIS)('with a real Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis(['--user', 'km', ...documentedUser()]);
  });
  afterAll(() => server.stop());

  test('who stores a login learns which one it replaced, and of many at once each another', async () => {
    const cache = createRedisCache({ url: server.url, key: randomBytes(32).toString('base64') });
    onTestFinished(() => cache.close());
    const logins = Array.from({ length: 8 }, (_, atMs): StoredLogin => {
      return { profile: 'work', apiEndpoint: 'https://api.example', atMs, kind: 'refresh_token' };
    });
    const replaced = await Promise.all(logins.map((login) => cache.logins.set(login)));

    const all = [...replaced, await cache.logins.get('work')].flatMap((login) => login?.atMs ?? []);
    expect(all.sort()).toEqual(logins.map(({ atMs }) => atMs));
  });

  test('how Redis makes room is told where it has a limit, and to who may ask', async () => {
    const raw = new Redis(server.port);
    const opened: RedisCache[] = [];
    const policyAs = (user: string): Promise<string | undefined> => {
      const url = `redis://${user}127.0.0.1:${String(server.port)}`;
      const cache = createRedisCache({ url, key: randomBytes(32).toString('base64') });
      opened.push(cache);
      return cache.evictionPolicy();
    };
    onTestFinished(async () => {
      for (const cache of opened) cache.close();
      await raw.call('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
      raw.disconnect();
    });
    expect(await policyAs('')).toBeUndefined();
    await raw.call('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    expect(await policyAs('')).toBeUndefined();
    await raw.call('CONFIG', 'SET', 'maxmemory', '1gb');

    expect(await policyAs('')).toBe('volatile-lru');
    expect(await policyAs('km:pass@')).toBe('volatile-lru');
    await raw.call('ACL', 'SETUSER', 'narrow', ...documentedUser(), '-INFO');
    expect(await policyAs('narrow:pass@')).toBeUndefined();
  });

  test('of a login that is ended only who is to be told stays, until that is forgotten', async () => {
    const url = `redis://km:pass@127.0.0.1:${String(server.port)}/3`;
    const cache = createRedisCache({ url, key: randomBytes(32).toString('base64'), namePrefix: 'km:ended:' });
    onTestFinished(() => cache.close());
    const grant = { apiOrigin: 'https://issuer.example', profile: 'work', credential: 'login:1:x' };
    const of = { apiEndpoint: 'https://api.example', provider: { issuer: 'https://issuer.example' }, grant };
    await cache.logins.set({ ...of, profile: 'work', atMs: 1, kind: 'oauth', keySuffix: '' });
    await cache.logins.end('work', endedLoginOf);
    await cache.logins.end('nobody', endedLoginOf);

    expect(await cache.logins.get('work')).toBeUndefined();
    expect(await cache.logins.list()).toEqual([]);
    expect(await cache.logins.listEnded()).toEqual([of]);
    await cache.logins.forget(grant);
    expect(await cache.logins.listEnded()).toEqual([]);
  });

  tokenCacheContract(
    'redis, as the user that the documentation describes, in a database other than 0',
    () => {
      const opened: RedisCache[] = [];
      const key = randomBytes(32).toString('base64');
      const url = `redis://km:pass@127.0.0.1:${String(server.port)}/3`;
      const namePrefix = `km:${randomBytes(6).toString('hex')}:`;
      return {
        open: () => {
          const cache = createRedisCache({ url, key, namePrefix });
          opened.push(cache);
          return Promise.resolve(cache);
        },
        close: async () => {
          for (const cache of opened) cache.close();
        },
      };
    },
  );
});
