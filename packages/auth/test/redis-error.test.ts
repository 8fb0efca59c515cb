import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRedisCache, Secret, type AuthError, type GrantKey, type GrantRecord } from '../src/index.js';
import { HAS_REDIS, startRedis, type RedisServer } from './support/redis-server.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
const RECORD: GrantRecord = {
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret('refresh'), issuedAtMs: 1 },
};
const PASSWORD = 'the-password';

/** With what the cache in a Redis fails. */
async function errorOf(server: RedisServer, login: string): Promise<AuthError> {
  const cache = createRedisCache({
    url: `redis://${login}@127.0.0.1:${String(server.port)}`,
    key: randomBytes(32).toString('base64'),
  });
  onTestFinished(() => cache.close());
  const error: unknown = await cache.updateGrant(KEY, () => RECORD).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'KM_AUTH_CACHE' });
  return error as AuthError;
}

/** All that anybody could see of an error. */
function seenOf(error: AuthError): string {
  const { cause, stack } = error;
  const causeStack = cause instanceof Error ? cause.stack : undefined;
  return [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(cause), stack, causeStack].join(
    '\n',
  );
}

describe.skipIf(!HAS_REDIS)('what a failure of Redis shows', () => {
  test.each([
    ['is refused', ['--requirepass', 'another'], 'WRONGPASS'],
    ['is quoted', ['--rename-command', 'AUTH', ''], 'unknown command'],
  ])('is no password, where that %s', async (_, settings, said) => {
    const server = await startRedis(settings);
    onTestFinished(() => server.stop());
    for (const login of [`:${PASSWORD}`, `km:${PASSWORD}`]) {
      const error = await errorOf(server, login);
      expect(error.message).toContain('check user and password');
      expect(seenOf(error)).toContain(said);
      expect(seenOf(error)).not.toContain(PASSWORD);
    }
  });

  test('is nothing of what was to be stored, but what Redis said', async () => {
    const server = await startRedis(['--user', 'km', 'on', `>${PASSWORD}`, '~km:*', '+get', '+hmget']);
    onTestFinished(() => server.stop());
    const error = await errorOf(server, `km:${PASSWORD}`);

    expect(error.cause).toMatchObject({
      name: 'ReplyError',
      message: expect.stringContaining('NOPERM') as string,
    });
    expect(Object.keys(error.cause as Error)).toEqual([]);
    expect(seenOf(error)).not.toMatch(/args|the-password/);
  });

  test('is the code of the system, where there is one', async () => {
    const server = await startRedis();
    await server.stop();

    expect((await errorOf(server, `:${PASSWORD}`)).cause).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
