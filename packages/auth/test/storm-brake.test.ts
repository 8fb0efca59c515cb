import { describe, expect, test } from 'vitest';
import { AuthToken, isAuthError, type GrantRecord } from '../src/index.js';
import {
  assertNoStorm,
  beginRequest,
  countRequest,
  explainRequest,
  isExplainedByLifetime,
  settleRequest,
} from '../src/storm-brake.js';

const EMPTY: GrantRecord = { tokens: new Map(), unexplainedRequestsAtMs: [] };

function requestsAt(...timesMs: readonly number[]): GrantRecord {
  return timesMs.reduce((record, atMs) => countRequest(beginRequest(record, atMs)), EMPTY);
}

const TEN = Array.from({ length: 10 }, (_, index) => 100_000 + index * 1_000);

describe('the storm brake', () => {
  test('lets ten requests in 30 s through, and stops the eleventh', () => {
    expect(() => assertNoStorm(requestsAt(...TEN.slice(1)), 109_000, 'api_key')).not.toThrow();
    expect(() => assertNoStorm(requestsAt(...TEN), 109_000, 'api_key')).toThrow(
      expect.toSatisfy((error: unknown) => isAuthError(error, 'KM_AUTH_STORM') && error.isRetryable),
    );
  });

  test('says what was seen and how long it lasts', () => {
    expect(() => assertNoStorm(requestsAt(...TEN), 109_000, 'refresh_token')).toThrow(
      /^10 token requests within 30 s .*refresh_token grant.* 21 s;/,
    );
  });

  test('clears when the oldest of them is 30 s old', () => {
    expect(() => assertNoStorm(requestsAt(...TEN), 129_999, 'api_key')).toThrow('No further one for 1 s');
    expect(() => assertNoStorm(requestsAt(...TEN), 130_000, 'api_key')).not.toThrow();
  });

  test('keeps no more than the last 30 s', () => {
    expect(countRequest(beginRequest(requestsAt(...TEN), 135_000)).unexplainedRequestsAtMs).toEqual([
      106_000, 107_000, 108_000, 109_000, 135_000,
    ]);
  });

  test('is not held on by times that another clock wrote in the future', () => {
    expect(() => assertNoStorm(requestsAt(...TEN), 50_000, 'api_key')).not.toThrow();
    expect(countRequest(beginRequest(requestsAt(...TEN), 50_000)).unexplainedRequestsAtMs).toEqual([50_000]);
  });

  test('takes back the newest request, and only it, when its token is explained', () => {
    expect(explainRequest(beginRequest(requestsAt(1, 2), 3))).toEqual(requestsAt(1, 2));
  });

  test('counts no request twice', () => {
    const counted = countRequest(beginRequest(EMPTY, 1));
    expect(counted).toEqual(requestsAt(1));
    expect(countRequest(counted)).toEqual(counted);
  });

  test('counts a request that this process saw fail, and none of a process that was killed before the answer', () => {
    const underWay = beginRequest(requestsAt(1), 2);
    expect(settleRequest(underWay, 2)).toEqual(requestsAt(1, 2));
    expect(settleRequest(underWay, 1)).toEqual(requestsAt(1));
    expect(settleRequest(underWay, undefined)).toEqual(requestsAt(1));
  });

  test('takes a replaced token for explained when it had lived until its refresh point', () => {
    const token = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: 2_000 });

    expect(isExplainedByLifetime(undefined, 0, 300_000)).toBe(true);
    expect(isExplainedByLifetime(token, 899, 300_000)).toBe(false);
    expect(isExplainedByLifetime(token, 900, 300_000)).toBe(true);
  });
});
