import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createRedisCache,
  Secret,
  systemClock,
  type CacheNotice,
  type Clock,
  type GrantKey,
  type GrantRecord,
  type RedisCache,
  type RedisCacheOptions,
} from '../src/index.js';
import { freePort, HAS_REDIS, startRedis, type RedisServer } from './support/redis-server.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
const key = randomBytes(32).toString('base64');
/** For those whose subject is that nobody answers. What is refused is refused at once, however long one would wait. */
const TIMEOUT_MS = 400;
const PATIENT_MS = 5_000;
const LOOK_MS = 100;

const RECORD: GrantRecord = {
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret('refresh'), scopes: ['monitoring'], issuedAtMs: 1 },
};

function open(url: string, more: Partial<RedisCacheOptions> = {}): RedisCache {
  const cache = createRedisCache({ url, key, timeoutMs: PATIENT_MS, ...more });
  onTestFinished(() => cache.close());
  return cache;
}

async function started(...settings: readonly string[]): Promise<RedisServer> {
  const server = await startRedis(settings);
  onTestFinished(() => server.stop());
  return server;
}

/** What a question fails with, and how long that took. */
async function failureOf(cache: RedisCache) {
  const beganAtMs = performance.now();
  const error: unknown = await cache.getGrant(KEY).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'KM_AUTH_CACHE' });
  return { error, message: (error as Error).message, tookMs: performance.now() - beganAtMs };
}

describe.skipIf(!HAS_REDIS)('Redis in trouble', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  test('one that is not there fails in time, with what to do, and is used once it is there', async () => {
    const port = await freePort();
    // Between two tries it sleeps, which grows to more than a look at the clock takes.
    const slept: number[] = [];
    const clock: Clock = {
      ...systemClock,
      schedule(callback, delayMs, keepsAlive) {
        if (delayMs > LOOK_MS) slept.push(delayMs);
        return systemClock.schedule(callback, delayMs, keepsAlive);
      },
    };
    const cache = open(`redis://127.0.0.1:${String(port)}`, { clock, random: () => 0.5 });
    const { message } = await failureOf(cache);
    expect(message).toMatch(/cannot be used: .*ECONNREFUSED.*check that it runs/);
    expect(slept).toEqual([160, 320, 640]);
    await failureOf(cache);
    // One that comes soon after has one try only.
    expect(slept).toHaveLength(3);

    const late = await startRedis([], port);
    onTestFinished(() => late.stop());
    expect(await cache.getGrant(KEY)).toBeUndefined();
  });

  test('one that says nothing fails in time, and the next who asks does not wait', async () => {
    const silent = await started();
    const stopped: { atMs?: number } = {};
    const clock = { ...systemClock, monotonicMs: () => stopped.atMs ?? systemClock.monotonicMs() };
    const cache = open(silent.url, { timeoutMs: TIMEOUT_MS, clock });
    await cache.updateGrant(KEY, () => RECORD);
    silent.process.kill('SIGSTOP');
    const first = await failureOf(cache);
    expect(first.message).toContain(`no answer within ${String(TIMEOUT_MS)} ms`);
    expect(first.tookMs).toBeLessThan(TIMEOUT_MS + 3_000);
    stopped.atMs = systemClock.monotonicMs();
    // What the first learned is thrown again: nobody was asked.
    expect((await failureOf(cache)).error).toBe(first.error);
  });

  test('a connection that is lost between two questions is made anew, and nobody notices', async () => {
    const cache = open(server.url);
    const raw = new Redis(server.port);
    onTestFinished(() => raw.disconnect());
    await cache.updateGrant(KEY, () => RECORD);
    await raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    expect((await cache.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('refresh');
  });

  test('a replica that takes no writes is said to be one, and is used when it becomes the primary', async () => {
    const replica = await started('--replicaof', '127.0.0.1', String(server.port));
    const cache = open(replica.url);
    const raw = new Redis(replica.port);
    onTestFinished(() => raw.disconnect());
    const failed = cache.updateGrant(KEY, () => RECORD);
    await expect(failed).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(/replica|not ready/) as string,
    });
    await raw.call('REPLICAOF', 'NO', 'ONE');

    await expect(cache.updateGrant(KEY, () => RECORD)).resolves.toBe(RECORD);
  });

  test('what is no Redis is said to be none', async () => {
    const web = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void web.close());
    await new Promise((listening) => web.once('listening', listening));
    const { port } = web.address() as { readonly port: number };
    const { message, tookMs } = await failureOf(open(`redis://127.0.0.1:${String(port)}`));

    expect(message).toContain('what answers is not Redis');
    expect(tookMs).toBeLessThan(PATIENT_MS - 1_000);
  });

  test('one without TLS is said to have none', async () => {
    const { message } = await failureOf(
      open(`rediss://127.0.0.1:${String(server.port)}`, { timeoutMs: TIMEOUT_MS }),
    );
    expect(message).toMatch(/no secure connection|no answer within/);
  });

  test('a login that it refuses is said, and the password is not', async () => {
    const closed = await started('--requirepass', 'the-right-one');
    const url = (password: string): string => `redis://:${password}@127.0.0.1:${String(closed.port)}/2`;
    for (const wrong of [closed.url, url('the-wrong-one')]) {
      const { message } = await failureOf(open(wrong));
      expect(message).toContain('check user and password');
      expect(message).not.toContain('the-wrong-one');
    }
    const cache = open(url('the-right-one'));
    await expect(cache.updateGrant(KEY, () => RECORD)).resolves.toBe(RECORD);
    expect(cache.address).toBe(`redis://127.0.0.1:${String(closed.port)}/2`);
  });

  test('a user that may not do it all is told what to allow', async () => {
    const closed = await started('--user', 'km', 'on', '>pass', '~km:*', '+get', '+hmget');
    const cache = open(`redis://km:pass@127.0.0.1:${String(closed.port)}`);
    expect(await cache.getGrant(KEY)).toBeUndefined();
    await expect(cache.updateGrant(KEY, () => RECORD)).rejects.toThrow(/its user may not do that: allow/);
  });

  test('what another key sealed is left alone, and said', async () => {
    const cache = open(server.url, { namePrefix: 'shared:' });
    await cache.updateGrant(KEY, () => RECORD);
    const stranger = open(server.url, {
      namePrefix: 'shared:',
      key: randomBytes(32).toString('base64'),
    });

    expect((await failureOf(stranger)).message).toContain('sealed with another key');
    await expect(stranger.updateGrant(KEY, () => undefined)).rejects.toThrow('sealed with another key');
    expect((await cache.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('refresh');
  });

  test.each(['sealed', 'version'])(
    'what was changed in Redis (%s) counts as empty, is told once, and is replaced',
    async (field) => {
      const raw = new Redis(server.port);
      onTestFinished(() => raw.disconnect());
      const namePrefix = `changed-${field}:`;
      const cache = open(server.url, { namePrefix });
      const notices: CacheNotice[] = [];
      cache.subscribe?.((notice) => notices.push(notice));
      await cache.updateGrant(KEY, () => RECORD);
      const [name = ''] = await raw.keys(`${namePrefix}{*}:grant`);
      const sealed = await raw.hgetBuffer(name, 'sealed');
      sealed?.writeUInt8(sealed.readUInt8(sealed.length - 1) ^ 1, sealed.length - 1);
      await raw.hset(name, 'sealed', sealed ?? '', ...(field === 'version' ? ['version', 'x'] : []));

      expect(await cache.getGrant(KEY)).toBeUndefined();
      expect(await cache.getGrant(KEY)).toBeUndefined();
      expect(notices.map(({ kind }) => kind)).toEqual(['corrupt']);
      await cache.updateGrant(KEY, () => RECORD);
      expect((await cache.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('refresh');
    },
  );

  test('a token that is still good is handed out while Redis is gone, and what was won then is stored later', async () => {
    const own = await started();
    const cache = open(own.url);
    await cache.updateGrant(KEY, () => RECORD);
    const sent: string[] = [];
    const manager = createAuthManager({
      cache,
      refreshAheadMs: 0,
      checkIntervalMs: 1,
      provider: {
        requestToken: async (request) => {
          sent.push(request.grantType);
          await own.stop();
          const nowMs = Date.now();
          const times = { issuedAtMs: nowMs, expiresAtMs: nowMs + 3_600_000 };
          return {
            token: new AuthToken({ value: 'won', scopes: ['monitoring'], ...times }),
            refreshToken: new Secret('next'),
          };
        },
      },
    });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('won');
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('won');
    const again = await startRedis([], own.port);
    onTestFinished(() => again.stop());
    const stored = open(own.url);
    await vi.waitFor(
      async () => {
        expect((await stored.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('next');
      },
      { timeout: 30_000 },
    );
    await manager.stop();
    expect(sent).toEqual(['refresh_token']);
  });

  test('without Redis there is no lock, and without a lock no refresh token is sent', async () => {
    const own = await started();
    const cache = open(own.url);
    await cache.updateGrant(KEY, () => RECORD);
    const requestToken = (): Promise<never> => Promise.reject(new Error('it was sent'));
    await own.stop();
    const manager = createAuthManager({ cache, provider: { requestToken } });

    await expect(manager.getValidToken('monitoring')).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
    await manager.stop();
  });
});
