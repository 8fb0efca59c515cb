import { describe, expect, test } from 'vitest';
import { isAuthError } from '../src/index.js';
import { invalidGrant, offline, overloaded } from './support/failures.js';
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

  test.each([0, -1, Number.NaN])('of %s is none', async (offlineLifetimeMs) => {
    const { manager, provider } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    const outcome = await outcomeOf(manager.getValidToken('monitoring', { offlineLifetimeMs }));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });

  test('serves a process that has only just begun', async () => {
    const { another, provider } = await expiredLogin();
    provider.always({ refuse: offline() });

    expect((await another().getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
  });

  test('brings what is in memory where the cache cannot be read', async () => {
    const { manager, provider, cache, clock } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR);
    cache.getGrant = () => Promise.reject(new Error('the disk is gone'));
    provider.always({ refuse: offline() });

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
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
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.next({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);

    expect(clock.timers()).toEqual([]);
  });
});

describe('offlineLifetimeMs, while the service answers', () => {
  test('brings the newer token', async () => {
    const { manager, provider } = await expiredLogin();

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });

  test('keeps no login alive that is over', async () => {
    const { manager, provider } = await expiredLogin();
    provider.always({ refuse: invalidGrant() });
    const outcome = await outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_LOGIN_REQUIRED')).toBe(true);
  });

  test('ends when the login turns out to be over after all', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.next({ refuse: offline() }, { refuse: invalidGrant() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(1_000);
    const outcome = await outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_LOGIN_REQUIRED')).toBe(true);
  });

  test('brings no token that was revoked', async () => {
    const { manager, provider } = await setup({ login: ['monitoring'], maxRetries: 0 });
    const rejected = await manager.getValidToken('monitoring');
    provider.always({ refuse: offline() });
    await outcomeOf(manager.forceRefresh('monitoring', { rejected, isRevoked: true }));
    const outcome = await outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_UNREACHABLE')).toBe(true);
  });
});
