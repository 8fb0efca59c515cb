import { describe, expect, test } from 'vitest';
import { createMemoryCache, systemClock, type TokenCache } from '../src/index.js';
import { fakeClock, settle } from './support/fake-clock.js';
import { answerLost, invalidGrant, overloaded } from './support/failures.js';
import { API_KEY, expiredLogin, KEYED, MINUTE, outcomeOf, setup, type Setup } from './support/setup.js';

describe('stop', () => {
  test('waits for a refresh that was sent, and for its token to be stored', async () => {
    const { manager, provider, clock, stored } = await setup({ service: { latencyMs: 5_000 } });
    const token = manager.getValidToken('monitoring');
    await clock.advance(1_000);
    let isStopped = false;
    const stopped = manager.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(3_999);
    expect(isStopped).toBe(false);
    await clock.advance(1);
    await stopped;

    expect((await stored()).tokens.size).toBe(1);
    expect((await token).reveal()).toBe('access-token-1');
    expect(provider.calls).toBe(1);
  });

  test('ends the wait between two tries', async () => {
    const { manager, provider, clock } = await setup({ random: () => 1 });
    provider.always({ refuse: answerLost() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(500);
    const calls = provider.calls;
    await manager.stop();

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(provider.calls).toBe(calls);
  });

  test('begins no wait for another try: an answer that comes after it and says when to ask again is the last', async () => {
    const { manager, provider, clock, events } = await setup({
      login: ['monitoring'],
      service: { latencyMs: 5_000 },
    });
    provider.always({ refuse: overloaded({ retryAfterMs: 60_000 }) });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);
    const stopped = manager.stop();
    await clock.advance(4_000);
    expect(clock.timers()).toEqual([]);
    await stopped;

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(provider.calls).toBe(1);
    expect(events.of('refresh.retried')).toEqual([]);
  });

  test('waits for no other who refreshes: nothing was sent, and the one who waits is told to try again', async () => {
    const { manager, provider, clock, another } = await setup({ service: { latencyMs: 60_000 } });
    const theirs = another().getValidToken('monitoring');
    await clock.advance(1_000);
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);
    await manager.stop();

    expect(await outcome).toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
      isRetryable: true,
      message: expect.stringContaining('was stopped while it waited') as string,
    });
    await clock.advance(60_000);
    expect((await theirs).reveal()).toBe('access-token-1');
    expect(provider.calls).toBe(1);
  });

  test('leaves a manager that can be asked, and waits again', async () => {
    const { manager, provider, clock } = await setup({ random: () => 1 });
    await manager.stop();
    provider.next({ refuse: overloaded({ retryAfterMs: 30_000 }) });
    const token = manager.getValidToken('monitoring');
    await clock.advance(30_000);

    expect((await token).reveal()).toBe('access-token-1');
    expect(provider.calls).toBe(2);
  });

  test('starts no refresh any more, even if it comes while the background looks at a slow cache', async () => {
    const clock = fakeClock();
    const memory = createMemoryCache({ clock });
    let release: () => void = () => undefined;
    let isSlow = false;
    const slow: TokenCache = {
      ...memory,
      getGrant: async (key) => {
        if (isSlow) await new Promise<void>((resolve) => (release = resolve));
        return memory.getGrant(key);
      },
    };
    const { manager, provider } = await setup({ clock, cache: slow });
    await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    isSlow = true;
    manager.start();
    await clock.advance(0);
    const stopped = manager.stop();
    isSlow = false;
    release();
    await stopped;
    await settle();

    expect(provider.calls).toBe(1);
  });

  test('sends nothing for who asks next while it waits', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 5_000 } });
    const first = manager.getValidToken('monitoring');
    const second = outcomeOf(first.then(() => manager.getValidToken('plugins')));
    await clock.advance(1_000);
    const stopped = manager.stop().then(() => provider.calls);
    await clock.advance(4_000);

    expect((await first).reveal()).toBe('access-token-1');
    expect(await stopped).toBe(1);
    expect(await second).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT', isRetryable: true });
    await clock.advance(5_000);
    expect(provider.calls).toBe(1);
  });

  test('sends nothing for who waited for the refresh that it lets finish, to force another', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 5_000 }, maxRetries: 0 });
    provider.next({ refuse: overloaded({}) });
    const first = outcomeOf(manager.getValidToken('monitoring'));
    const forced = outcomeOf(manager.forceRefresh('monitoring'));
    await clock.advance(1_000);
    const stopped = manager.stop();
    await clock.advance(4_000);
    await stopped;

    expect(await first).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(await forced).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    await clock.advance(5_000);
    expect(provider.calls).toBe(1);
  });

  test('makes no failure of a refresh that it ends behind: the next one runs at once', async () => {
    const { manager, provider, clock, another, events } = await setup({
      login: ['monitoring'],
      retryIntervalMs: 60_000,
    });
    await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    provider.next({ refuse: overloaded({}), latencyMs: 5_000 });
    const theirs = outcomeOf(another({ maxRetries: 0 }).forceRefresh('monitoring'));
    await clock.advance(1_000);
    await manager.getValidToken('monitoring');
    await settle();
    await manager.stop();
    expect(events.of('refresh.failed')).toEqual([]);
    await clock.advance(4_000);
    await theirs;

    await manager.getValidToken('monitoring');
    await settle();
    expect(events.of('token.refreshed')).toHaveLength(2);
  });

  test('is what await using does at the end of its block', async () => {
    const { manager, clock } = await setup();
    {
      await using used = manager;
      used.start();
      await clock.advance(0);
      expect(clock.timers()).toHaveLength(1);
    }

    expect(clock.timers()).toEqual([]);
  });
});

describe('stop, of a refresh with a login beside an API key,', () => {
  const BOTH = { login: ['monitoring'], apiKey: API_KEY };

  test('has the API key not asked when it ends the wait for another try', async () => {
    const { manager, provider, clock, events } = await expiredLogin(BOTH);
    provider.always({ refuse: overloaded() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(500);
    const { calls } = provider;
    await manager.stop();

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(provider.calls).toBe(calls);
    expect(events.of('grant.fallback')).toEqual([]);
  });

  test.each([
    ['the API key not asked', async () => undefined],
    [
      'the refresh token of another process not sent',
      async ({ cache, provider, clock }: Setup) => {
        const secret = provider.login('monitoring');
        const theirs = { secret, scopes: ['monitoring'], issuedAtMs: clock.nowMs() };
        await cache.updateGrant(KEYED, (current) => ({ ...current!, refreshToken: theirs }));
      },
    ],
  ])('has %s when it waits for the answer, and that refuses the refresh token', async (_, meanwhile) => {
    const world = await expiredLogin(BOTH);
    const { manager, provider, clock, events } = world;
    provider.next({ refuse: invalidGrant(), latencyMs: 5_000 });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);
    await meanwhile(world);
    const { calls } = provider;
    const stopped = manager.stop();
    await clock.advance(4_000);
    await stopped;

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT', isRetryable: true });
    expect(provider.calls).toBe(calls);
    expect([events.of('grant.fallback'), events.of('refresh.failed')]).toEqual([[], []]);
    expect(await world.stored()).not.toHaveProperty('lastFailure');
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });
});

describe('the system clock', () => {
  test('keeps the process up for a wait, and not for a look', () => {
    const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = alive();
    const cancelLook = systemClock.schedule(() => undefined, 60_000, false);
    expect(alive()).toBe(before);
    const cancelWait = systemClock.schedule(() => undefined, 60_000, true);

    expect(alive()).toBe(before + 1);
    cancelLook();
    cancelWait();
    expect(alive()).toBe(before);
  });

  test('is not overrun by a delay that Node’s timers cannot hold', async () => {
    let hasRun = false;
    const cancel = systemClock.schedule(() => (hasRun = true), 3_000_000_000, false);
    await settle();
    await settle();
    cancel();

    expect(hasRun).toBe(false);
  });
});
