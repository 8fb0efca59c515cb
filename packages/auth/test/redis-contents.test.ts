import { describe, expect, test } from 'vitest';
import { AuthToken, Secret, type GrantRecord } from '../src/index.js';
import { KEY, recordOf, redisForTests } from './support/redis-cache.js';
import { HAS_REDIS } from './support/redis-server.js';

describe.skipIf(!HAS_REDIS)('what is in Redis', () => {
  const { open, raw } = redisForTests();

  test('a refresh token stays for ever, whenever it ends: what has an end may be thrown away; a token does not', async () => {
    const cache = open();
    const dayMs = 86_400_000;
    const lifeOf = async (record: GrantRecord, key = KEY): Promise<number> => {
      await cache.updateGrant(key, () => record);
      return raw().pttl((await raw().keys('km:{*}:grant'))[0] ?? '');
    };
    const token = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: Date.now() + dayMs });

    const ofKey = { ...KEY, credential: 'key:1' };
    const life = await lifeOf({ tokens: new Map([['a', token]]), unexplainedRequestsAtMs: [] }, ofKey);
    expect(life).toBeGreaterThan(dayMs);
    expect(life).toBeLessThan(10 * dayMs);
    await raw().flushall();
    expect(await lifeOf(recordOf('r', Date.now() + 30 * dayMs))).toBe(-1);
    expect(await lifeOf(recordOf('r'))).toBe(-1);
  });

  test('a token that is a login stays for ever, until somebody ends that', async () => {
    const cache = open();
    const login = { ...KEY, credential: 'login:1' };
    const token = new AuthToken({
      value: 't',
      scopes: [],
      issuedAtMs: 0,
      expiresAtMs: Date.now() + 3_600_000,
    });
    const lifeOf = async (record: GrantRecord): Promise<number> => {
      await cache.updateGrant(login, () => record);
      return raw().pttl((await raw().keys('km:{*}:grant'))[0] ?? '');
    };
    const record = { tokens: new Map([['a', token]]), unexplainedRequestsAtMs: [] };
    expect(await lifeOf(record)).toBe(-1);
    expect(await lifeOf({ ...record, tokens: new Map(), endedAtMs: Date.now() })).toBeGreaterThan(0);
  });

  test('nothing that leaves the process has a secret, a profile or an address in it', async () => {
    const cache = open();
    const secrets = ['the-refresh-token', 'the-api-key', 'default', 'kilometers.ai'];
    await cache.updateGrant(KEY, () => recordOf('the-refresh-token'));
    await cache.logins.set({
      profile: 'default',
      apiEndpoint: KEY.apiOrigin,
      atMs: 1,
      kind: 'api_key',
      apiKey: new Secret('the-api-key'),
    });
    await cache.withLock(
      KEY,
      async () => {
        const names = await raw().keys('*');
        expect(names).toHaveLength(5);
        const values = await Promise.all(names.map(async (name) => raw().dumpBuffer(name)));
        const all = Buffer.concat([Buffer.from(names.join('\n')), ...values]).toString('latin1');
        expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
      },
      { timeoutMs: 1_000 },
    );
  });
});
