import { describe, expect, test } from 'vitest';
import { createMemoryCache, isAuthError, type CacheNoticeListener, type TokenCache } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { invalidGrant, offline } from './support/failures.js';
import { expiredLogin, HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';

/** What lets a token live on for a day while the service is away. */
const FOR_A_DAY = { offlineLifetimeMs: 24 * HOUR };

describe('offlineLifetimeMs, from when the service is back', () => {
  test('is over for every scope with the first answer', async () => {
    const { manager, provider, clock } = await setup({ service: { givesRefreshTokens: false } });
    await manager.getValidToken('monitoring');
    await manager.getValidToken('plugins');
    await clock.advance(HOUR);
    provider.next({ latencyMs: 2_100 });
    const slow = manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(2_100);

    expect((await slow).reveal()).toBe('access-token-1');
    expect((await manager.getValidToken('plugins', FOR_A_DAY)).reveal()).toBe('access-token-4');
  });

  test('is looked for behind, so that nobody waits again', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.next({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(1_000);
    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
    await clock.advance(0);

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-2');
  });

  test('is asked again at once after the machine has slept', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.next({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    clock.sleepMachine(HOUR);

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-2');
  });

  test('takes an answer that was lost, though the caller has its token and stops the manager', async () => {
    const { manager, provider, clock } = await expiredLogin({ service: { graceMs: MINUTE } });
    provider.next({ latencyMs: 5_000, loseAnswer: true });
    const token = manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(2_000);
    expect((await token).reveal()).toBe('access-token-1');
    const stopped = manager.stop();
    await clock.advance(3_000);
    await stopped;

    expect(provider.requests.map(({ outcome }) => outcome)).toEqual(['answered', 'lost', 'answered']);
  });

  test('lets a caller wait for an answer that was lost, since it is asked for again at once', async () => {
    const { manager, provider } = await expiredLogin({ service: { graceMs: MINUTE } });
    provider.next({ loseAnswer: true });

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).not.toBe('access-token-1');
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

  test('ends for all once anybody finds the login to be over', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.next({ refuse: offline() });
    await manager.getValidToken('monitoring', FOR_A_DAY);
    provider.always({ refuse: invalidGrant() });
    await outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);
    const outcome = await outcomeOf(manager.getValidToken('monitoring', FOR_A_DAY));

    expect(isAuthError(outcome, 'KM_AUTH_LOGIN_REQUIRED')).toBe(true);
  });

  test('keeps what nobody has heard yet for the first who subscribes', async () => {
    const clock = fakeClock();
    const listeners: CacheNoticeListener[] = [];
    const cache: TokenCache = {
      ...createMemoryCache({ clock }),
      subscribe: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
    const { another, provider } = await expiredLogin({ clock, cache });
    const manager = another();
    for (const tell of listeners) tell({ kind: 'corrupt', message: 'it does not open' });
    provider.next({ latencyMs: 10_000 });
    const token = manager.getValidToken('monitoring', FOR_A_DAY);
    await clock.advance(2_100);
    expect((await token).reveal()).toBe('access-token-1');
    const heard: string[] = [];
    manager.subscribe(({ type }) => heard.push(type));
    await clock.advance(0);

    expect(heard).toEqual(['cache.corrupt', 'security.event']);
  });

  test('is not disturbed by a caller whose signal ends later', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.always({ latencyMs: HOUR });
    const stop = new AbortController();
    const token = manager.getValidToken('monitoring', { ...FOR_A_DAY, signal: stop.signal });
    await clock.advance(2_000);
    await token;
    stop.abort();

    expect((await manager.getValidToken('monitoring', FOR_A_DAY)).reveal()).toBe('access-token-1');
  });
});
