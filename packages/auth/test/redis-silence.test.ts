import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createRedisCache, Secret, type GrantKey, type GrantRecord } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { HAS_REDIS, startRedis } from './support/redis-server.js';
import { outcomeOf } from './support/setup.js';

const KEY: GrantKey = { apiOrigin: 'https://api.kilometers.ai', profile: 'default', credential: 'login:' };
const RECORD: GrantRecord = {
  tokens: new Map(),
  unexplainedRequestsAtMs: [],
  refreshToken: { secret: new Secret('refresh'), scopes: ['monitoring'], issuedAtMs: 1 },
};

/** A way to a real Redis that can forget its connections: they stay open, and nothing passes any more. */
async function forgetfulWay() {
  const redis = await startRedis();
  const passing = new Set<Socket>();
  let made = 0;
  let isClosed = false;
  const way = createServer((near) => {
    made += 1;
    near.on('error', () => undefined);
    if (isClosed) return;
    const far = connect(redis.port, '127.0.0.1').on('error', () => undefined);
    passing.add(near);
    near.on('data', (bytes) => passing.has(near) && far.write(bytes));
    far.on('data', (bytes) => passing.has(near) && near.write(bytes));
    near.on('close', () => far.destroy());
  }).listen(0, '127.0.0.1');
  await once(way, 'listening');
  onTestFinished(async () => {
    way.close();
    await redis.stop();
  });
  return {
    url: `redis://127.0.0.1:${String((way.address() as AddressInfo).port)}`,
    made: () => made,
    forget: () => {
      passing.clear();
    },
    /** Takes connections, and lets nothing pass. */
    close: () => {
      isClosed = true;
      passing.clear();
    },
  };
}

test('the waits between two tries count as well: whoever asks is told in time', async () => {
  const clock = fakeClock();
  // What has to be loaded first takes time of its own.
  let askedAtMs: number | undefined;
  const server = createServer((socket) => {
    askedAtMs ??= clock.monotonicMs();
    socket.on('error', () => undefined).destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `redis://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const key = randomBytes(32).toString('base64');
  const cache = createRedisCache({ url, key, timeoutMs: 200, clock, random: () => 0.5 });
  onTestFinished(() => {
    cache.close();
    server.close();
  });
  const question = { isOver: false };
  const failed = outcomeOf(cache.getGrant(KEY)).finally(() => (question.isOver = true));
  while (!question.isOver) await clock.advance(1);

  expect(await failed).toMatchObject({ code: 'KM_AUTH_CACHE' });
  expect(clock.monotonicMs() - (askedAtMs ?? 0)).toBeLessThan(250);
});

describe.skipIf(!HAS_REDIS)('a connection to Redis that goes silent', () => {
  async function served(timeoutMs: number) {
    const way = await forgetfulWay();
    const cache = createRedisCache({ url: way.url, key: randomBytes(32).toString('base64'), timeoutMs });
    onTestFinished(() => {
      cache.close();
    });
    await cache.updateGrant(KEY, () => RECORD);
    expect(way.made()).toBe(1);
    return { way, cache };
  }

  test('is replaced in time by one that answers, for a question as for a change', async () => {
    const { way, cache } = await served(3_000);
    way.forget();
    expect((await cache.getGrant(KEY))?.refreshToken?.secret.reveal()).toBe('refresh');
    expect(way.made()).toBe(2);
    way.forget();
    await cache.updateGrant(KEY, (current) => current && { ...current, notBeforeMs: 7 });
    expect(way.made()).toBe(3);
    expect(await cache.getGrant(KEY)).toMatchObject({ notBeforeMs: 7 });
  });

  test('costs all who wait for it one new connection', async () => {
    const { way, cache } = await served(3_000);
    way.forget();
    const answers = await Promise.all([1, 2, 3].map(() => cache.getGrant(KEY)));

    expect(answers.map((record) => record?.refreshToken?.secret.reveal())).toEqual(
      answers.map(() => 'refresh'),
    );
    expect(way.made()).toBe(2);
  });

  test('and no other that answers is an error in time, which says how long was waited', async () => {
    const { way, cache } = await served(3_000);
    way.close();
    const beganAtMs = performance.now();
    await expect(cache.getGrant(KEY)).rejects.toThrow('no answer within 3000 ms');

    expect(way.made()).toBe(2);
    expect(performance.now() - beganAtMs).toBeLessThan(6_000);
  });
});
