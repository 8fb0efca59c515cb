import { expect, test } from 'vitest';
import { StoreRetry } from '../src/store-retry.js';
import { fakeClock } from './support/fake-clock.js';

/** What cannot be stored, again and again; it has a login as long as `state` says so. */
function failing() {
  const clock = fakeClock();
  const state = { hasLogin: true, tries: 0 };
  const retry: StoreRetry = new StoreRetry({
    clock,
    hasLogin: () => state.hasLogin,
    store: () => {
      state.tries += 1;
      return Promise.resolve();
    },
  });
  const waits = (): readonly number[] => clock.timers().map(({ atMs }) => atMs - clock.monotonicMs());
  return { clock, state, retry, waits };
}

/** Fails so often that only the longest wait is left. */
function failOften({ retry }: { readonly retry: StoreRetry }): void {
  for (let time = 0; time < 10; time += 1) {
    retry.again();
    retry.cancel();
  }
}

test('each wait is twice as long as the one before, up to 5 s with a login', async () => {
  const { clock, retry, waits } = failing();
  const seen: number[] = [];
  for (let time = 0; time < 7; time += 1) {
    retry.again();
    seen.push(...waits());
    await clock.advance(waits()[0] ?? 0);
  }
  expect(seen).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test('a try that is near enough stays the one that there is', async () => {
  const { clock, retry, waits, state } = failing();
  retry.again();
  await clock.advance(100);
  retry.again();
  expect(waits()).toEqual([150]);
  await clock.advance(150);
  expect(state.tries).toBe(1);
});

test('one that is too far off for a login gives way to one that is not', async () => {
  const world = failing();
  const { clock, retry, waits, state } = world;
  state.hasLogin = false;
  failOften(world);
  retry.again();
  expect(waits()).toEqual([60_000]);
  state.hasLogin = true;
  retry.again();
  expect(waits()).toEqual([5_000]);
  // Exactly as far off as may be: it stays.
  await clock.advance(1_000);
  retry.again();
  expect(waits()).toEqual([4_000]);
});

test('one that comes within 5 s stays, also where the wait was long', async () => {
  const world = failing();
  const { clock, retry, waits, state } = world;
  state.hasLogin = false;
  failOften(world);
  retry.again();
  await clock.advance(55_000);
  state.hasLogin = true;
  retry.again();
  expect(waits()).toEqual([5_000]);
  await clock.advance(1);
  retry.again();
  expect(waits()).toEqual([4_999]);
});

test('it keeps no process up, and after a success the next failure is a first one', () => {
  const world = failing();
  failOften(world);
  world.retry.reset();
  world.retry.again();
  expect(world.clock.timers().map(({ keepsAlive }) => keepsAlive)).toEqual([false]);
  expect(world.waits()).toEqual([250]);
  world.retry.cancel();
  expect(world.clock.timers()).toEqual([]);
});
