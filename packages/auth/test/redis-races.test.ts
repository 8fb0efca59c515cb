import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RedisConnection } from '../src/caches/redis/redis-connection.js';
import { RedisGrants } from '../src/caches/redis/redis-grants.js';
import { createRedisLogins } from '../src/caches/redis/redis-logins.js';
import { redisSettings } from '../src/caches/redis/redis-settings.js';
import {
  endedLoginOf,
  Secret,
  type GrantKey,
  type GrantRecord,
  type LoginStore,
  type StoredLogin,
} from '../src/index.js';
import { HAS_REDIS, startRedis, type RedisServer } from './support/redis-server.js';

const endedIn = async (logins: LoginStore) =>
  [...(await logins.listEnded())].sort((a, b) => (a.grant.credential < b.grant.credential ? -1 : 1));

/** What others do in Redis between two questions of one. */
describe.skipIf(!HAS_REDIS)('between two questions to Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  /** A connection, and one on which `meanwhile` is done once, after the first answer to `command`. */
  function connected(command: string, meanwhile: () => Promise<unknown>) {
    const key = randomBytes(32).toString('base64');
    const namePrefix = `km:${randomBytes(6).toString('hex')}:`;
    const settings = redisSettings({ url: server.url, key, namePrefix });
    const connection = new RedisConnection(settings);
    onTestFinished(() => connection.close());
    let isDone = false;
    const interrupted: Pick<RedisConnection, 'ask'> = {
      async ask(asked, ...rest) {
        const reply = await connection.ask(asked, ...rest);
        if (asked === command && !isDone) {
          isDone = true;
          await meanwhile();
        }
        return reply;
      },
    };
    return { settings, connection, interrupted };
  }

  const loginAt = (atMs: number): StoredLogin => ({
    ...{ profile: 'work', apiEndpoint: 'https://api.example', atMs, kind: 'oauth', keySuffix: '' },
    provider: { issuer: 'https://issuer.example', clientId: 'km', login: 'browser' },
    grant: { apiOrigin: 'https://issuer.example', profile: 'work', credential: `login:${String(atMs)}` },
  });

  /** The logins of somebody who has one; `interrupted`: another takes its place after their first answer to HGET. */
  async function replacedMeanwhile() {
    const replaced: (StoredLogin | undefined)[] = [];
    const { settings, connection, interrupted } = connected('HGET', async () => {
      replaced.push(await logins.set(loginAt(2), endedLoginOf));
    });
    const logins = createRedisLogins(settings, connection, () => undefined);
    await logins.set(loginAt(1));
    return { logins, replaced, interrupted: createRedisLogins(settings, interrupted, () => undefined) };
  }

  test('a login that takes the place of the one that is being ended is ended too, and not forgotten', async () => {
    const { logins, replaced, interrupted } = await replacedMeanwhile();
    await interrupted.end('work', endedLoginOf);

    expect(replaced).toEqual([loginAt(1)]);
    expect(await logins.list()).toEqual([]);
    expect(await endedIn(logins)).toEqual([endedLoginOf(loginAt(1)), endedLoginOf(loginAt(2))]);
  });

  test('a login that takes the place of the one that is being replaced is replaced too, and not forgotten', async () => {
    const { logins, replaced, interrupted } = await replacedMeanwhile();
    replaced.push(await interrupted.set(loginAt(3), endedLoginOf));

    expect(replaced).toEqual([loginAt(1), loginAt(2)]);
    expect(await logins.list()).toEqual([loginAt(3)]);
    expect(await endedIn(logins)).toEqual([endedLoginOf(loginAt(1)), endedLoginOf(loginAt(2))]);
  });

  test('a grant that is stored while its old name is taken off the list stays on it', async () => {
    const key: GrantKey = { apiOrigin: 'https://api.example', profile: 'work', credential: 'login:' };
    const record: GrantRecord = {
      tokens: new Map(),
      unexplainedRequestsAtMs: [],
      refreshToken: { secret: new Secret('refresh'), issuedAtMs: 1 },
    };
    const { settings, connection, interrupted } = connected('HMGET', () =>
      grants.update(key, () => record, ''),
    );
    const grants = new RedisGrants(settings, connection, () => undefined);
    // Its name stays where it is removed.
    await grants.update(key, () => record, '');
    await grants.update(key, () => undefined, '');

    expect(await new RedisGrants(settings, interrupted, () => undefined).list()).toEqual([key]);
    expect(await grants.list()).toEqual([key]);
  });
});
