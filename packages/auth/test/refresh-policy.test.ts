import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AuthToken } from '../src/index.js';
import {
  DEFAULT_REFRESH_SETTINGS,
  dueAtMs,
  isDue,
  isFromTheFuture,
  isLongRest,
  isUsable,
  leewayMs,
  retryDelayMs,
  type FailedTry,
} from '../src/refresh-policy.js';

const AHEAD_MS = DEFAULT_REFRESH_SETTINGS.refreshAheadMs;

function tokenOf(lifetimeMs: number, issuedAtMs = 0): AuthToken {
  return new AuthToken({ value: 't', scopes: [], issuedAtMs, expiresAtMs: issuedAtMs + lifetimeMs });
}

describe('a token is due', () => {
  test('five minutes before its end', () => {
    expect(isDue(tokenOf(3_600_000), 3_299_999, AHEAD_MS)).toBe(false);
    expect(isDue(tokenOf(3_600_000), 3_300_000, AHEAD_MS)).toBe(true);
  });

  test('never before half its life is over, so that a 60 s token is not refreshed on every call', () => {
    expect(dueAtMs(tokenOf(60_000), AHEAD_MS, 0)).toBe(30_000);
  });

  test('earlier by jitter, never later', () => {
    const lifetimes = fc.integer({ min: 1_000, max: 100_000_000 });
    fc.assert(
      fc.property(
        lifetimes,
        fc.integer({ min: 0, max: 86_400_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (lifetimeMs, aheadMs, jitter) => {
          const token = tokenOf(lifetimeMs);
          const exactMs = dueAtMs(token, aheadMs, 0);
          const spreadMs = dueAtMs(token, aheadMs, jitter);
          expect(spreadMs).toBeLessThanOrEqual(exactMs);
          expect(spreadMs).toBeGreaterThanOrEqual(exactMs - 0.1 * Math.min(aheadMs, lifetimeMs / 2) - 1e-6);
          expect(spreadMs).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('spread widely enough that a fleet does not wake as one', () => {
    const token = tokenOf(3_600_000);

    expect(dueAtMs(token, AHEAD_MS, 0) - dueAtMs(token, AHEAD_MS, 1)).toBe(30_000);
  });
});

describe('a token is usable', () => {
  test('until a little before its end, for drift and flight', () => {
    expect(leewayMs(tokenOf(3_600_000))).toBe(5_000);
    expect(leewayMs(tokenOf(2_000))).toBe(200);
    expect(isUsable(tokenOf(2_000), 1_799)).toBe(true);
    expect(isUsable(tokenOf(2_000), 1_800)).toBe(false);
  });

  test('only if it was not received in the future, give or take half a minute', () => {
    const token = tokenOf(3_600_000, 1_000_000);

    expect(isFromTheFuture(token, 970_000)).toBe(false);
    expect(isFromTheFuture(token, 969_999)).toBe(true);
    expect(isUsable(token, 969_999)).toBe(false);
  });
});

describe('the wait before the next try', () => {
  const failed = (more: Partial<FailedTry> = {}): FailedTry => ({
    attempt: 1,
    retryAfterMs: undefined,
    isAnswerLost: false,
    ...more,
  });
  const waits = (random: number, settings = DEFAULT_REFRESH_SETTINGS): (number | undefined)[] =>
    [1, 2, 3, 4].map((attempt) => retryDelayMs(failed({ attempt }), settings, random));

  test('is bounded by 1 s, 2 s, 4 s; after three of them there is no further try', () => {
    expect(waits(1)).toEqual([1_000, 2_000, 4_000, undefined]);
  });

  test('has full jitter: anything from nothing to the bound', () => {
    expect(waits(0)).toEqual([0, 0, 0, undefined]);
    expect(waits(0.25)).toEqual([250, 500, 1_000, undefined]);
  });

  test('is never over the retry interval', () => {
    const settings = { maxRetries: 60, retryIntervalMs: 30_000 };

    expect(retryDelayMs(failed({ attempt: 5 }), settings, 1)).toBe(16_000);
    expect(retryDelayMs(failed({ attempt: 6 }), settings, 1)).toBe(30_000);
    expect(retryDelayMs(failed({ attempt: 60 }), settings, 1)).toBe(30_000);
  });

  test('is what Retry-After says, where it says so', () => {
    expect(retryDelayMs(failed({ retryAfterMs: 7_000 }), DEFAULT_REFRESH_SETTINGS, 0)).toBe(7_000);
    expect(retryDelayMs(failed({ retryAfterMs: 60_000 }), DEFAULT_REFRESH_SETTINGS, 0)).toBe(60_000);
  });

  test('is not waited out where Retry-After asks for more than a minute', () => {
    expect(retryDelayMs(failed({ retryAfterMs: 60_001 }), DEFAULT_REFRESH_SETTINGS, 0)).toBeUndefined();
    expect(isLongRest(60_001)).toBe(true);
    expect(isLongRest(60_000)).toBe(false);
    expect(isLongRest(undefined)).toBe(false);
  });

  test('is nothing after the first lost answer: a grace window may be short', () => {
    expect(retryDelayMs(failed({ isAnswerLost: true }), DEFAULT_REFRESH_SETTINGS, 1)).toBe(0);
    expect(retryDelayMs(failed({ isAnswerLost: true, attempt: 2 }), DEFAULT_REFRESH_SETTINGS, 1)).toBe(2_000);
  });

  test('does not come with zero retries', () => {
    expect(retryDelayMs(failed(), { maxRetries: 0, retryIntervalMs: 30_000 }, 1)).toBeUndefined();
    const lost = failed({ isAnswerLost: true });
    expect(retryDelayMs(lost, { maxRetries: 0, retryIntervalMs: 30_000 }, 1)).toBeUndefined();
  });
});
