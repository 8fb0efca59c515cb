import { describe, expect, test } from 'vitest';
import { clockSkewMs, retryAfterMs } from '../src/providers/server-time.js';

const NOW_MS = Date.UTC(2030, 0, 1, 12, 0, 0);
const httpDate = (ms: number): string => new Date(ms).toUTCString();

describe('Retry-After', () => {
  test.each([
    ['0', 0],
    ['7', 7_000],
    [' 120 ', 120_000],
  ])('of %j is seconds', (header, ms) => {
    expect(retryAfterMs(header, NOW_MS, undefined)).toBe(ms);
  });

  test('may be a date', () => {
    expect(retryAfterMs(httpDate(NOW_MS + 90_000), NOW_MS, undefined)).toBe(90_000);
    expect(retryAfterMs(httpDate(NOW_MS - 90_000), NOW_MS, undefined)).toBe(0);
  });

  test('that is a date is one by the server’s clock, however wrong ours is', () => {
    const serverNowMs = NOW_MS - 3_600_000;

    expect(retryAfterMs(httpDate(serverNowMs + 30_000), NOW_MS, 3_600_000)).toBe(30_000);
  });

  test.each([undefined, '', 'soon', '-5', '1.5', '1,5', 'tomorrow 7', '12 parsecs'])(
    'of %j says nothing',
    (header) => {
      expect(retryAfterMs(header, NOW_MS, undefined)).toBeUndefined();
    },
  );
});

describe('the clock skew', () => {
  test('is the local clock minus the server’s, give or take half a second', () => {
    expect(clockSkewMs(httpDate(NOW_MS - 3_600_000), NOW_MS)).toBe(3_599_500);
    expect(clockSkewMs(httpDate(NOW_MS + 3_600_000), NOW_MS)).toBe(-3_600_500);
  });

  test('is not known without a date', () => {
    expect(clockSkewMs(undefined, NOW_MS)).toBeUndefined();
    expect(clockSkewMs('nonsense', NOW_MS)).toBeUndefined();
  });
});
