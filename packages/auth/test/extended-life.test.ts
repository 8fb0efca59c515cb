import { describe, expect, test } from 'vitest';
import { isAuthError } from '../src/index.js';
import { offline, overloaded } from './support/failures.js';
import { expiredLogin, HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';

/** What lets a token live on for a day while the service is away. */
const FOR_A_DAY = { offlineLifetimeMs: 24 * HOUR };

describe('offlineLifetimeMs, while the service is away', () => {
  test('brings the token that ended, once the first try has failed', async () => {
    const { manager, provider, events, clock } = await expiredLogin();
    provider.always({ refuse: offline() });
    const token = await manager.getValidToken('monitoring', FOR_A_DAY);

    expect(token.reveal()).toBe('access-token-1');
    expect(token.isExpired(clock.nowMs())).toBe(true);
    expect(provider.calls).toBe(2);
    expect(events.of('token.extended')).toMatchObject([
      { scope: 'monitoring', token: token.fingerprint, expiresAtMs: token.expiresAtMs },
    ]);
  });

  test('is also for a service that answers, but cannot', async () => {
    const { manager, provider } = await expiredLogin();
    provider.always({ refuse: overloaded() });

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
  });

  test('is for those only who ask for it', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.always({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);

    expect(isAuthError(await outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('lets nobody wait longer than refreshDeadlineMs for a service that says nothing', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.always({ latencyMs: HOUR });
    const token = manager.getValidToken('monitoring', FOR_A_DAY);
    const isThere = { then: false };
    void token.then(() => (isThere.then = true));
    await clock.advance(1_999);
    expect(isThere.then).toBe(false);
    await clock.advance(1);

    expect((await token).reveal()).toBe('access-token-1');
  });

  test('brings the token at once from then on, and tries again after retryIntervalMs', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(29_999);
    await manager.getValidToken('monitoring', FOR_A_DAY);
    expect(provider.calls).toBe(2);
    await clock.advance(1);
    await manager.getValidToken('monitoring', FOR_A_DAY);

    expect(provider.calls).toBe(3);
  });

  test('ends with the newer token as soon as there is one, from whichever process', async () => {
    const { manager, another, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.next({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(1);
    await another().getValidToken('monitoring');

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-2');
  });

  test('goes no further than it says, leeway aside', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    await clock.advance(HOUR - 1);
    expect((await manager.getValidToken('monitoring', { offlineLifetimeMs: HOUR })).reveal()).toBe(
      'access-token-1',
    );
    await clock.advance(1);
    const outcome = await outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs: HOUR }));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('goes no further where the wall clock is set back', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    await clock.advance(HOUR);
    clock.jumpWall(-MINUTE);
    const outcome = await outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs: HOUR }));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('is not for a token whose times mean nothing here', async () => {
    const { provider, clock, another } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    clock.jumpWall(-3 * HOUR);
    const outcome = await outcomeOf(another().getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('counts for minValidMs too', async () => {
    const { manager, provider, clock } = await setup({ login: ['monitoring'], maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(50 * MINUTE);
    provider.always({ refuse: offline() });
    const wanted = { minValidMs: 20 * MINUTE, offlineLifetimeMs: 11 * MINUTE };

    expect((await manager.getValidToken('monitoring', wanted)).reveal()).toBe('access-token-1');
    const tooLittle = { minValidMs: 20 * MINUTE, offlineLifetimeMs: 10 * MINUTE };
    const outcome = await outcomeOf(manager.getValidToken('monitoring', tooLittle));
    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('of nothing is none', async () => {
    const { manager, provider } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    const outcome = await outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs: 0 }));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test.each([-1, Number.NaN, 30 * 24 * HOUR + 1, Number.POSITIVE_INFINITY])(
    'of %s is refused, be the token good',
    async (offlineLifetimeMs) => {
      const { manager } = await setup();
      await manager.getValidToken('monitoring');
      const outcome = await outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs }));

      expect(isAuthError(outcome, 'KM_AUTH_INVALID_OPTION')).toBe(true);
    },
  );

  test('serves a process that has only just begun', async () => {
    const { another, provider } = await expiredLogin();
    provider.always({ refuse: offline() });

    expect((await another().getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
  });

  test.each([{}, { login: ['monitoring'] }])(
    'brings what is in memory where the cache cannot be read, with %j',
    async (options) => {
      const { manager, provider, cache, clock } = await setup({ maxRetries: 0, ...options });
      await manager.getValidToken('monitoring');
      await clock.advance(HOUR);
      cache.getGrant = () => Promise.reject(new Error('the disk is gone'));
      provider.always({ refuse: offline() });

      expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
    },
  );

  test("brings it too where a due token ends while its refresh is waited for, with wait: 'if-due'", async () => {
    const { manager, provider, clock } = await setup({ login: ['monitoring'] });
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR - 6_000);
    provider.always({ latencyMs: HOUR });
    const token = manager.getValidToken('monitoring', { ...FOR_A_DAY, wait: 'if-due' });
    await clock.advance(4_000);

    expect((await token).reveal()).toBe('access-token-1');
  });

  test('is told once for each token, however many ask', async () => {
    const { manager, provider, clock, events } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    const ask = () => manager.getValidToken('monitoring', FOR_A_DAY);
    await Promise.all([ask(), ask(), ask()]);
    await ask();
    await clock.advance(MINUTE);
    await ask();

    expect(events.of('token.extended')).toHaveLength(1);
  });

  test('lets nobody wait for a refresh of which a try has failed already', async () => {
    const { manager, provider } = await expiredLogin();
    provider.always({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
    expect(provider.calls).toBe(2);
  });

  test('goes no further than it says while a newer one is waited for', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ latencyMs: 5_000, refuse: offline() });
    const outcome = outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs: 1_000 }));
    await clock.advance(5_000);

    expect(isAuthError(await outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('brings nothing that was cleared while a newer one was waited for', async () => {
    const { manager, another, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ latencyMs: 5_000, refuse: offline() });
    const outcome = outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));
    await clock.advance(1_000);
    await another().clearCache();
    await clock.advance(4_000);

    expect(isAuthError(await outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('brings no token that was revoked, even where the service wants to be left alone', async () => {
    const { manager, provider } = await setup({ login: ['monitoring'], maxRetries: 0 });
    const rejected = await manager.getValidToken('monitoring');
    provider.always({ refuse: overloaded({ retryAfterMs: 10 * MINUTE }) });
    await outcomeOf(manager.forceRefresh('monitoring'));
    await outcomeOf(manager.forceRefresh('monitoring', { rejected, isRevoked: true }));
    const outcome = await outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('ends with the signal of who waits', async () => {
    const { manager, provider } = await expiredLogin();
    provider.always({ latencyMs: HOUR });
    const stop = new AbortController();
    const outcome = outcomeOf(manager.getValidToken('monitoring', { ...FOR_A_DAY, signal: stop.signal }));
    stop.abort();

    expect(isAuthError(await outcome, 'KM_AUTH_ABORTED')).toBe(true);
  });

  test('leaves no timer behind', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.always({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    await manager.stop();

    expect(clock.timers()).toEqual([]);
  });
});
