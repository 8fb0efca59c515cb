import { describe, expect, test } from 'vitest';
import type { FakeClock } from './support/fake-clock.js';
import { storeToken, userWithToken } from './support/user-with-token.js';

const HOUR_MS = 3_600_000;

/** A user whose token is so old, while somebody else holds the lock of their grant. */
async function whileOtherRefreshes(ageMs: number, { isWatched = false } = {}) {
  const user = await userWithToken({ isWatched });
  const { cache, key, clock } = user;
  await clock.advance(ageMs);
  let release: () => void = () => undefined;
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((isHeld) => {
    ended = cache.withLock(
      key,
      () => {
        isHeld();
        return isReleased;
      },
      { timeoutMs: 0 },
    );
  });
  const finish = async (): Promise<void> => {
    release();
    await ended;
  };
  return { ...user, finish };
}

/** Lets the clock go on in small steps until `found` is settled. */
async function settled<T>(found: Promise<T>, clock: FakeClock): Promise<T> {
  const progress = { isSettled: false };
  const after = found.finally(() => (progress.isSettled = true));
  while (!progress.isSettled) await clock.advance(20);
  return after;
}

describe('km auth token while another process refreshes', () => {
  test('waits for its token instead of refreshing, too', async () => {
    const { find, clock, cache, key, finish } = await whileOtherRefreshes(HOUR_MS);
    const found = find();
    await clock.advance(1_000);
    await storeToken({ cache, key, clock }, 'the-next');
    expect(await settled(found, clock)).toBe('the-next');
    await finish();
  });

  test('leaves it to all of km where the other ends without one', async () => {
    const { find, clock, finish } = await whileOtherRefreshes(HOUR_MS);
    const found = find();
    await clock.advance(1_000);
    await finish();
    expect(await settled(found, clock)).toBeUndefined();
  });

  test('leaves it to all of km where the other takes more than 10 s', async () => {
    const { find, clock, finish } = await whileOtherRefreshes(HOUR_MS);
    const startedAtMs = clock.nowMs();
    expect(await settled(find(), clock)).toBeUndefined();
    expect(clock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(10_000);
    expect(clock.nowMs() - startedAtMs).toBeLessThan(11_000);
    await finish();
  });

  test('takes the token at hand that is due, where the newer one is not there in 2 s', async () => {
    const { find, clock, finish } = await whileOtherRefreshes(HOUR_MS - 60_000);
    const startedAtMs = clock.nowMs();
    expect(await settled(find(), clock)).toBe('the-token');
    expect(clock.nowMs() - startedAtMs).toBeGreaterThanOrEqual(2_000);
    expect(clock.nowMs() - startedAtMs).toBeLessThan(3_000);
    await finish();
  });

  test('leaves it to all of km at once where somebody watches, who is shown that it takes long', async () => {
    const { find, finish } = await whileOtherRefreshes(HOUR_MS, { isWatched: true });
    expect(await find()).toBeUndefined();
    await finish();
  });

  test('leaves it to all of km at once where the token that is over may do', async () => {
    const { find, finish } = await whileOtherRefreshes(HOUR_MS);
    expect(await find({}, { mayBeOver: true })).toBeUndefined();
    await finish();
  });
});
