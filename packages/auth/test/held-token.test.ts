import { describe, expect, test } from 'vitest';
import { AuthToken } from '../src/index.js';
import { HeldToken } from '../src/held-token.js';
import { momentNow } from '../src/moment.js';
import { DEFAULT_REFRESH_SETTINGS } from '../src/refresh-policy.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';
import { HOUR, MINUTE } from './support/setup.js';

function hold(clock: FakeClock, lifetimeMs = HOUR): HeldToken {
  const issuedAtMs = clock.nowMs();
  const token = new AuthToken({ value: 't', scopes: [], issuedAtMs, expiresAtMs: issuedAtMs + lifetimeMs });
  return new HeldToken(token, clock, DEFAULT_REFRESH_SETTINGS, 0, undefined);
}

const isFresh = (held: HeldToken, clock: FakeClock): boolean =>
  held.isFresh(clock.nowMs(), clock.monotonicMs());

const stateOf = (held: HeldToken, clock: FakeClock): string => held.stateAt(momentNow(clock));

describe('a token in memory', () => {
  test('is fresh, then to be checked with the cache, then due, then expired', async () => {
    const clock = fakeClock();
    const held = hold(clock);
    const states: string[] = [];
    for (const ms of [0, MINUTE - 1, 1, 54 * MINUTE - 1, 1, 5 * MINUTE - 5_001, 1]) {
      await clock.advance(ms);
      states.push(stateOf(held, clock));
    }

    expect(states).toEqual(['fresh', 'fresh', 'unchecked', 'unchecked', 'due', 'due', 'expired']);
  });

  test('of which the cache could not be asked is asked for again after 5 s, at once where somebody rejected it', async () => {
    const clock = fakeClock();
    const held = hold(clock);
    const lookFailed = (): void => {
      held.lookFailed(momentNow(clock));
    };
    const isLookFailing = (): boolean => held.isLookFailing(momentNow(clock));
    const states: unknown[] = [];
    for (const ms of [MINUTE, 4_999, 1, MINUTE - 5_001, 1]) {
      await clock.advance(ms);
      if (ms === MINUTE) lookFailed();
      states.push([stateOf(held, clock), isLookFailing()]);
    }
    expect(states).toEqual([
      ['fresh', true],
      ['fresh', true],
      ['unchecked', true],
      ['unchecked', true],
      ['unchecked', false],
    ]);
    held.distrust();
    lookFailed();

    expect([stateOf(held, clock), isLookFailing()]).toEqual(['unchecked', false]);
  });

  test('of which the cache could not be asked while the wall clock was ahead is asked for again as soon as that is put right', async () => {
    const clock = fakeClock();
    const held = hold(clock, 2 * HOUR);
    await clock.advance(MINUTE + 10_000);
    clock.jumpWall(50 * MINUTE);
    held.lookFailed(momentNow(clock));
    expect(stateOf(held, clock)).toBe('fresh');
    clock.jumpWall(-50 * MINUTE);

    expect([stateOf(held, clock), held.isLookFailing(momentNow(clock))]).toEqual(['unchecked', true]);
    await clock.advance(MINUTE);
    expect([stateOf(held, clock), held.isLookFailing(momentNow(clock))]).toEqual(['unchecked', false]);
  });

  test('that is due stays due where the cache cannot be asked', async () => {
    const clock = fakeClock();
    const held = hold(clock);
    await clock.advance(55 * MINUTE - 1);
    held.lookFailed(momentNow(clock));
    await clock.advance(1);

    expect([stateOf(held, clock), isFresh(held, clock)]).toEqual(['due', false]);
  });

  test('is fresh exactly as long as its state says so', async () => {
    const clock = fakeClock();
    const held = hold(clock, 10_000);
    for (let ms = 0; ms < 10_000; ms += 500) {
      expect(isFresh(held, clock)).toBe(stateOf(held, clock) === 'fresh');
      await clock.advance(500);
    }
  });

  test('ages while the machine sleeps, by the wall clock', () => {
    const clock = fakeClock();
    const held = hold(clock);
    clock.sleepMachine(HOUR);

    expect(isFresh(held, clock)).toBe(false);
    expect(stateOf(held, clock)).toBe('expired');
  });

  test('ages on, by the monotonic clock, when the wall clock is set back', async () => {
    const clock = fakeClock();
    const held = hold(clock);
    await clock.advance(30 * MINUTE);
    clock.jumpWall(-30 * MINUTE);
    await clock.advance(25 * MINUTE);

    expect(isFresh(held, clock)).toBe(false);
    expect(stateOf(held, clock)).toBe('due');
    expect(held.remainingMs(momentNow(clock))).toBe(5 * MINUTE);
    await clock.advance(5 * MINUTE);
    expect(stateOf(held, clock)).toBe('expired');
  });

  test('is checked with the cache as soon as the wall clock was set back', () => {
    const clock = fakeClock();
    const held = hold(clock);
    clock.jumpWall(-1);

    expect(stateOf(held, clock)).toBe('unchecked');
    expect(isFresh(held, clock)).toBe(false);
  });

  test('is checked with the cache after a check interval by either clock', async () => {
    const clock = fakeClock();
    await clock.advance(10 * MINUTE);
    const [asleep, setBack] = [hold(clock), hold(clock)];
    expect(isFresh(asleep, clock)).toBe(true);
    clock.sleepMachine(MINUTE);
    expect(isFresh(asleep, clock)).toBe(false);
    clock.jumpWall(-MINUTE);
    await clock.advance(MINUTE);
    clock.jumpWall(-MINUTE);

    expect(isFresh(setBack, clock)).toBe(false);
    expect(stateOf(setBack, clock)).toBe('unchecked');
  });

  test('that somebody rejected is checked with the cache, and is as old as before', () => {
    const clock = fakeClock();
    const held = hold(clock);
    held.distrust();

    expect(isFresh(held, clock)).toBe(false);
    expect(stateOf(held, clock)).toBe('unchecked');
    expect(held.dueInMs(momentNow(clock))).toBe(55 * MINUTE);
  });

  test('tells when it will be due, and what is left, by the clock that says less', async () => {
    const clock = fakeClock();
    const held = hold(clock);
    await clock.advance(10 * MINUTE);
    clock.jumpWall(10 * MINUTE);

    expect(held.dueInMs(momentNow(clock))).toBe(35 * MINUTE);
    expect(held.remainingMs(momentNow(clock))).toBe(40 * MINUTE);
  });

  test('taken into memory again has not forgotten how old it is', async () => {
    const clock = fakeClock();
    const first = hold(clock);
    await clock.advance(30 * MINUTE);
    clock.jumpWall(-20 * MINUTE);
    const again = new HeldToken(first.token, clock, DEFAULT_REFRESH_SETTINGS, 0, first);

    expect(again.remainingMs(momentNow(clock))).toBe(30 * MINUTE);
    expect(again.dueInMs(momentNow(clock))).toBe(25 * MINUTE);
  });

  test('taken from a cache whose clock was ahead lives no longer than it was issued for', () => {
    const clock = fakeClock();
    const issuedAtMs = clock.nowMs() + 20_000;
    const token = new AuthToken({ value: 't', scopes: [], issuedAtMs, expiresAtMs: issuedAtMs + MINUTE });
    const held = new HeldToken(token, clock, DEFAULT_REFRESH_SETTINGS, 0, undefined);

    expect(held.remainingMs(momentNow(clock))).toBe(MINUTE);
  });

  test('that cannot be used any more when it is taken in is expired at once', async () => {
    const clock = fakeClock();
    const { token } = hold(clock);
    await clock.advance(HOUR);
    const late = new HeldToken(token, clock, DEFAULT_REFRESH_SETTINGS, 0, undefined);

    expect(stateOf(late, clock)).toBe('expired');
    expect(isFresh(late, clock)).toBe(false);
  });
});
