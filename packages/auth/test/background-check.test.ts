import { describe, expect, test } from 'vitest';
import { BackgroundCheck } from '../src/background-check.js';
import { fakeClock, settle } from './support/fake-clock.js';

/** A check whose looks a test ends, each with what it answers; the next is due in a minute otherwise. */
function world() {
  const clock = fakeClock();
  const startMs = clock.monotonicMs();
  const looks: number[] = [];
  const jumps: number[] = [];
  let answer: () => Promise<number> = () => Promise.resolve(Number.POSITIVE_INFINITY);
  const check = new BackgroundCheck({
    clock,
    checkIntervalMs: 60_000,
    check: () => {
      looks.push(clock.monotonicMs() - startMs);
      return answer();
    },
    onClockJump: (byMs) => jumps.push(byMs),
  });
  return {
    clock,
    looks,
    jumps,
    check,
    answerWith: (next: () => Promise<number>) => {
      answer = next;
    },
    /** Keeps the next look from ending until what this returns is called. */
    holdLook: () => {
      let end: (dueInMs: number) => void = () => undefined;
      answer = () => new Promise((resolve) => (end = resolve));
      return async (dueInMs: number): Promise<void> => {
        answer = () => Promise.resolve(Number.POSITIVE_INFINITY);
        end(dueInMs);
        await settle();
      };
    },
  };
}

describe('a background check that is hastened', () => {
  test('looks by then, and a quarter of a second after the look before at the earliest', async () => {
    for (const [delayMs, atMs] of [
      [1_000, 1_000],
      [10, 250],
    ] as const) {
      const { clock, check, looks } = world();
      check.start();
      await clock.advance(0);
      check.hasten(delayMs);
      await clock.advance(2_000);
      expect(looks).toEqual([0, atMs]);
      check.stop();
    }
  });

  test('to later than it looks anyway does not put that off', async () => {
    const { clock, check, looks } = world();
    check.start();
    await clock.advance(10_000);
    check.hasten(55_000);
    await clock.advance(50_000);

    expect(looks).toEqual([0, 60_000]);
    check.stop();
  });

  test('while it looks takes the soonest of all that it was told, and of what it found', async () => {
    for (const [dueInMs, atMs] of [
      [20_000, 5_000],
      [3_000, 3_000],
    ] as const) {
      const { clock, check, looks, holdLook } = world();
      const endLook = holdLook();
      check.start();
      await clock.advance(0);
      check.hasten(5_000);
      check.hasten(30_000);
      await endLook(dueInMs);
      await clock.advance(20_000);
      expect(looks).toEqual([0, atMs]);
      check.stop();
    }
  });

  test('before it was started does not start it', () => {
    const { clock, check } = world();
    check.hasten(0);

    expect(clock.timers()).toEqual([]);
  });
});

test('a look that fails is followed by another after the check interval', async () => {
  const { clock, check, looks, answerWith } = world();
  answerWith(() => Promise.reject(new Error('the disk is gone')));
  check.start();
  await clock.advance(60_000);

  expect(looks).toEqual([0, 60_000]);
  check.stop();
});

test('stopped while it looks, it looks no more; started again meanwhile, it looks as one', async () => {
  for (const isStartedAgain of [false, true]) {
    const { clock, check, holdLook } = world();
    const endLook = holdLook();
    check.start();
    await clock.advance(0);
    check.stop();
    if (isStartedAgain) check.start();
    await endLook(1_000);

    expect(clock.timers()).toHaveLength(isStartedAgain ? 1 : 0);
    check.stop();
  }
});

test('clocks that disagree by two seconds are no news, and by more are', async () => {
  const { clock, check, jumps } = world();
  check.start();
  await clock.advance(0);
  for (const byMs of [2_000, -2_000, 2_001, -2_001]) {
    clock.jumpWall(byMs);
    await clock.advance(60_000);
  }

  expect(jumps).toEqual([2_001, -2_001]);
  check.stop();
});
