import { describe, expect, test } from 'vitest';
import { isAuthError, type TokenRequestError } from '../src/index.js';
import { invalidGrant, offline, overloaded } from './support/failures.js';
import { API_KEY, expiredLogin, HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';
import type { Trouble } from './support/scripted-provider.js';

const SAYS_LATER: readonly (readonly [string, () => TokenRequestError])[] = [
  ['a network error', offline],
  ...[408, 425, 429, 500, 502, 503, 504].map(
    (status) => [`a ${String(status)}`, () => overloaded({ status })] as const,
  ),
  ['an unreadable 200', () => overloaded({ status: 200, isAnswerLost: true })],
];

describe('try later:', () => {
  test.each(SAYS_LATER)('%s is tried again, and brings a token when it is over', async (_, failure) => {
    const { manager, provider, clock } = await expiredLogin();
    provider.next({ refuse: failure() }, { refuse: failure() });
    const token = manager.getValidToken('monitoring');
    await clock.advance(10_000);

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(4);
  });

  test.each(SAYS_LATER)('%s without end touches nothing that is stored', async (_, failure) => {
    const { manager, provider, clock, stored } = await expiredLogin();
    const before = await stored();
    provider.always({ refuse: failure() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(10 * MINUTE);

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', isRetryable: true });
    expect((await stored()).refreshToken).toEqual(before.refreshToken);
    expect((await stored()).tokens).toEqual(before.tokens);
    expect((await stored()).lastFailure).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
  });

  test('three tries follow the first, after 1 s, 2 s and 4 s at most', async () => {
    const { manager, provider, clock, events } = await expiredLogin();
    const startMs = clock.trueMs();
    provider.always({ refuse: overloaded() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await outcome;

    expect(provider.requests.slice(1).map((request) => request.atMs - startMs)).toEqual([
      0, 1_000, 3_000, 7_000,
    ]);
    expect(events.of('refresh.retried').map((event) => [event.attempt, event.delayMs, event.reason])).toEqual(
      [
        [2, 1_000, 'the service answered 503'],
        [3, 2_000, 'the service answered 503'],
        [4, 4_000, 'the service answered 503'],
      ],
    );
    expect(events.of('refresh.failed')).toMatchObject([{ code: 'KM_AUTH_UNREACHABLE', scope: 'monitoring' }]);
  });

  test('maxRetries and retryIntervalMs are obeyed', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 5, retryIntervalMs: 3_000 });
    const startMs = clock.trueMs();
    provider.always({ refuse: overloaded() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);
    await outcome;

    const waits = provider.requests.slice(1).map((request) => request.atMs - startMs);
    expect(waits).toEqual([0, 1_000, 3_000, 6_000, 9_000, 12_000]);
  });

  test('Retry-After wins over the backoff', async () => {
    const { manager, provider, clock } = await expiredLogin();
    const startMs = clock.trueMs();
    provider.next({ refuse: overloaded({ status: 429, retryAfterMs: 17_000 }) });
    const token = manager.getValidToken('monitoring');
    await clock.advance(20_000);
    await token;

    expect(provider.requests.at(-1)?.atMs).toBe(startMs + 17_000);
  });

  test('a token still valid is still used', async () => {
    const { manager, provider, clock } = await setup({ login: ['monitoring'] });
    await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    provider.always({ refuse: overloaded() });
    for (let second = 0; second < 240; second += 20) {
      expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
      await clock.advance(second === 220 ? 19_999 : 20_000);
    }
  });

  test('when the tries are used up, the API key gets one', async () => {
    const { manager, provider, clock, events, stored } = await expiredLogin({ apiKey: API_KEY });
    provider.next(...Array<Trouble>(4).fill({ refuse: overloaded() }));
    const token = manager.getValidToken('monitoring');
    await clock.advance(MINUTE);

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.requests.slice(1).map((request) => request.grantType)).toEqual([
      ...Array<string>(4).fill('refresh_token'),
      'api_key',
    ]);
    expect(events.of('grant.fallback')).toMatchObject([{ from: 'refresh_token', to: 'api_key' }]);
    // It worked, so the refresh token is replaced by the one that came with it.
    expect((await stored()).refreshToken?.secret.reveal()).toBe('refresh-token-3');
  });

  test('when the API key’s try fails too, nothing is touched and the first failure is told', async () => {
    const { manager, provider, clock, stored } = await expiredLogin({ apiKey: API_KEY });
    const before = await stored();
    provider.next(...Array<Trouble>(4).fill({ refuse: overloaded() }), { refuse: invalidGrant() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(provider.calls).toBe(6);
    expect((await stored()).refreshToken).toEqual(before.refreshToken);
  });

  test('a failure of the provider’s own kind is an AuthError all the same, with its cause', async () => {
    const { manager, provider, clock } = await setup({ maxRetries: 1 });
    const broken = new TypeError('fetch failed');
    provider.requestToken = () => Promise.reject(broken);
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', cause: broken });
  });
});

describe('a long Retry-After', () => {
  test('ends the tries, and the service is left alone until then, by every process', async () => {
    const { manager, another, provider, clock } = await expiredLogin();
    provider.next({ refuse: overloaded({ retryAfterMs: 10 * MINUTE }) });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
    });
    await clock.advance(10 * MINUTE - 1_000);
    const told = await outcomeOf(another().getValidToken('monitoring'));
    expect(told).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', failure: { retryAfterMs: 1_000 } });
    expect(String(told)).toContain('another 1 s');
    expect(provider.calls).toBe(2);
    await clock.advance(1_000);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test.each([
    ['a year', 365 * 24 * HOUR],
    ['more than a number can say', Number.POSITIVE_INFINITY],
  ])('of %s counts for an hour: the service may not mean it', async (_, retryAfterMs) => {
    const { manager, another, provider, clock } = await expiredLogin();
    provider.next({ refuse: overloaded({ retryAfterMs }) });
    await outcomeOf(manager.getValidToken('monitoring'));

    await clock.advance(HOUR - 1_000);
    expect(String(await outcomeOf(another().getValidToken('monitoring')))).toContain('another 1 s');
    expect(provider.calls).toBe(2);
    await clock.advance(1_000);
    expect((await another().getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test('is no reason to try with the API key: it is the same service', async () => {
    const { manager, provider } = await expiredLogin({ apiKey: API_KEY });
    provider.next({ refuse: overloaded({ retryAfterMs: 10 * MINUTE }) });

    expect(isAuthError(await outcomeOf(manager.getValidToken('monitoring')), 'KM_AUTH_UNREACHABLE')).toBe(
      true,
    );
    expect(provider.calls).toBe(2);
  });

  test('is over when the wall clock was set back behind the moment it was asked for', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.next({ refuse: overloaded({ retryAfterMs: 10 * MINUTE }) });
    await outcomeOf(manager.getValidToken('monitoring'));
    clock.jumpWall(-365 * 24 * HOUR);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });
});
