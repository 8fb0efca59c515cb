import { describe, expect, test, vi } from 'vitest';
import { isAuthError, type RedisCache } from '../src/index.js';
import { LOCK_LIFE_MS, RENEW } from '../src/caches/redis/redis-scripts.js';
import { KEY, recordOf, redisForTests } from './support/redis-cache.js';
import { HAS_REDIS } from './support/redis-server.js';

describe.skipIf(!HAS_REDIS)('the lock of a grant in Redis', () => {
  const { open, raw } = redisForTests();
  const nameOf = async (part: string): Promise<string> => (await raw().keys(`km:{*}:${part}`))[0] ?? '';
  const refreshTokenIn = async (cache: RedisCache): Promise<string | undefined> =>
    (await cache.getGrant(KEY))?.refreshToken?.secret.reveal();

  test('an owner that was overtaken writes over nothing', async () => {
    const [paused, other] = [open(), open()];
    await paused.updateGrant(KEY, () => recordOf('first'));

    const failure: unknown = await paused
      .withLock(
        KEY,
        async () => {
          // It stood still for as long as its lock lived.
          await raw().del(await nameOf('lock'));
          await other.withLock(KEY, () => other.updateGrant(KEY, () => recordOf('theirs')), {
            timeoutMs: 1_000,
          });
          await paused.updateGrant(KEY, () => recordOf('mine'));
        },
        { timeoutMs: 1_000 },
      )
      .catch((error: unknown) => error);

    expect(isAuthError(failure, 'KM_AUTH_CACHE')).toBe(true);
    expect(failure).toMatchObject({ message: expect.stringContaining('stood still') as string });
    expect(await refreshTokenIn(other)).toBe('theirs');
  });

  test('an owner that was overtaken does not free the lock of the one after it', async () => {
    const [paused, other] = [open(), open()];
    let leave: () => void = () => undefined;
    let after: Promise<unknown> | undefined;
    await paused.withLock(
      KEY,
      async () => {
        await raw().del(await nameOf('lock'));
        await new Promise<void>((entered) => {
          const task = (): Promise<void> =>
            new Promise((left) => {
              leave = left;
              entered();
            });
          after = other.withLock(KEY, task, { timeoutMs: 1_000 });
        });
      },
      { timeoutMs: 1_000 },
    );

    await expect(paused.withLock(KEY, async () => 'entered', { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
      message: expect.stringContaining(`process ${String(process.pid)}`) as string,
    });
    leave();
    await after;
  });

  test('an owner that stood still, and was not overtaken, stores what it has', async () => {
    const paused = open();
    await paused.withLock(
      KEY,
      async () => {
        await raw().del(await nameOf('lock'));
        await paused.updateGrant(KEY, () => recordOf('mine'));
      },
      { timeoutMs: 1_000 },
    );

    expect(await refreshTokenIn(open())).toBe('mine');
  });

  test('an owner that stood still, and notes that it goes on, has its lock again: another waits', async () => {
    const [paused, other] = [open(), open()];
    await paused.withLock(
      KEY,
      async () => {
        await raw().del(await nameOf('lock'));
        // As is done before the refresh token is sent.
        await paused.updateGrant(KEY, () => recordOf('noted'));
        expect(await raw().pttl(await nameOf('lock'))).toBeGreaterThan(3_000);
        await expect(other.withLock(KEY, async () => 'entered', { timeoutMs: 30 })).rejects.toMatchObject({
          code: 'KM_AUTH_LOCK_TIMEOUT',
        });
      },
      { timeoutMs: 1_000 },
    );

    expect(await nameOf('lock')).toBe('');
  });

  test('a sign of life that arrives after the lock was given back brings it back no more', async () => {
    const cache = open();
    let late: () => Promise<unknown> = async () => undefined;
    await cache.withLock(
      KEY,
      async () => {
        const [lock, last] = [await nameOf('lock'), await nameOf('last')];
        const token = String(await raw().get(lock));
        late = () => raw().eval(RENEW, 2, lock, last, token, LOCK_LIFE_MS);
        expect(await late()).toBe(1);
      },
      { timeoutMs: 1_000 },
    );

    expect(await late()).toBe(0);
    expect(await cache.lockOwner(KEY)).toBeUndefined();
    expect(await raw().pttl(await nameOf('last'))).toBeGreaterThan(29 * 86_400_000);
    expect(await raw().get(await nameOf('last'))).toMatch(/^1 \w+ \d+ \S+ released$/);
    await cache.withLock(KEY, async () => expect(await raw().get(await nameOf('last'))).toMatch(/^2 /), {
      timeoutMs: 1_000,
    });
  });

  test('what goes on after the lock was given back stores as anybody does', async () => {
    const cache = open();
    let goOn: () => void = () => undefined;
    let later: Promise<unknown> | undefined;
    await cache.withLock(
      KEY,
      async () => {
        const released = new Promise<void>((resolve) => (goOn = resolve));
        later = released.then(() => cache.updateGrant(KEY, () => recordOf('later')));
      },
      { timeoutMs: 1_000 },
    );
    await open().withLock(KEY, async () => undefined, { timeoutMs: 1_000 });
    goOn();
    await later;

    expect(await refreshTokenIn(open())).toBe('later');
  });

  test('a lock lives for less than 5 s without its owner, and for as long as it must with it', async () => {
    const cache = open();
    await cache.withLock(
      KEY,
      async () => {
        const lock = await nameOf('lock');
        expect(await raw().pttl(lock)).toBeLessThanOrEqual(4_000);
        await raw().pexpire(lock, 1_500);
        await vi.waitFor(async () => expect(await raw().pttl(lock)).toBeGreaterThan(3_000), {
          timeout: 3_000,
          interval: 10,
        });
      },
      { timeoutMs: 1_000 },
    );

    expect(await nameOf('lock')).toBe('');
    expect(await cache.lockOwner(KEY)).toBeUndefined();
  });

  test('who waits takes what the owner stored without waiting for the lock', async () => {
    const [owner, waiter] = [open(), open()];
    await owner.updateGrant(KEY, () => recordOf('first'));
    let asked = 0;
    const unless = async (): Promise<string | undefined> => {
      asked += 1;
      const now = await refreshTokenIn(waiter);
      return now === 'first' ? undefined : now;
    };
    const got = await owner.withLock(
      KEY,
      async () => {
        const waiting = waiter.withLock(KEY, async () => 'the lock', { timeoutMs: 5_000, unless });
        await owner.updateGrant(KEY, () => recordOf('next'));
        return waiting;
      },
      { timeoutMs: 1_000 },
    );

    expect(got).toBe('next');
    expect(asked).toBeLessThanOrEqual(2);
  });
});
