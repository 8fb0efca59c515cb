import { describe, expect, test } from 'vitest';
import { AuthToken, createMemoryCache, isAuthError, type TokenCache } from '../src/index.js';
import { sleep } from '../src/clock.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { fakeClock } from './support/fake-clock.js';
import { HOUR, KEYED, MINUTE, outcomeOf, setup } from './support/setup.js';

describe('minValidMs', () => {
  test('of exactly the lifetime of a new token is met by one', async () => {
    const { manager, provider } = await setup();
    const token = await manager.getValidToken('monitoring', { minValidMs: HOUR });

    expect(token.lifetimeMs).toBe(HOUR);
    expect((await manager.getValidToken('monitoring', { minValidMs: HOUR })).reveal()).toBe(token.reveal());
    expect(provider.calls).toBe(1);
  });

  test('of exactly the lifetime is asked for again once some of it has passed', async () => {
    const { manager, clock } = await setup();
    const first = await manager.getValidToken('monitoring');
    await clock.advance(1);

    expect((await manager.getValidToken('monitoring', { minValidMs: HOUR })).reveal()).not.toBe(
      first.reveal(),
    );
  });

  test('makes a caller with a long job wait for a longer token', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(40 * MINUTE);

    expect((await manager.getValidToken('monitoring', { minValidMs: 20 * MINUTE })).reveal()).toBe(
      'access-token-1',
    );
    expect((await manager.getValidToken('monitoring', { minValidMs: 21 * MINUTE })).reveal()).toBe(
      'access-token-2',
    );
    expect(provider.calls).toBe(2);
  });

  test('beyond what the service issues is refused, and is no reason to ask again and again', async () => {
    const { manager, provider } = await setup();
    const outcomes = [];
    for (let call = 0; call < 5; call += 1) {
      outcomes.push(await outcomeOf(manager.getValidToken('monitoring', { minValidMs: 2 * HOUR })));
    }

    expect(outcomes.every((outcome) => isAuthError(outcome, 'KM_AUTH_LIFETIME_TOO_SHORT'))).toBe(true);
    expect(provider.calls).toBe(1);
  });

  test('is met by joining a refresh that is under way', async () => {
    const { manager, clock, provider } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    provider.latencyMs = 100;
    const short = await manager.getValidToken('monitoring');
    const long = manager.getValidToken('monitoring', { minValidMs: 30 * MINUTE });
    await clock.advance(100);

    expect([short.reveal(), (await long).reveal()]).toEqual(['access-token-1', 'access-token-2']);
    expect(provider.calls).toBe(2);
  });

  test('of exactly the lifetime is asked for once where storing the token takes a moment of it', async () => {
    const clock = fakeClock();
    const memory = createMemoryCache({ clock });
    const cache: TokenCache = {
      ...memory,
      updateGrant: async (key, change) => {
        await sleep(clock, 1);
        return memory.updateGrant(key, change);
      },
    };
    const { manager, provider } = await setup({ clock, cache });
    const outcomes = [1, 2, 3].map(() =>
      outcomeOf(manager.getValidToken('monitoring', { minValidMs: HOUR })),
    );
    await clock.advance(MINUTE);

    for (const outcome of await Promise.all(outcomes))
      expect(outcome).toMatchObject({ code: 'KM_AUTH_LIFETIME_TOO_SHORT' });
    expect(provider.calls).toBe(1);
  });

  describe('by joining a refresh that finds what others have obtained,', () => {
    /** Another process is at the lock, with a token that has `theirsMs` left; a caller without a wish waits for it. */
    async function joined(theirsMs: number) {
      const world = await setup();
      const { manager, clock, cache, provider } = world;
      let free: () => void = () => undefined;
      const task = () => new Promise<void>((resolve) => (free = resolve));
      const held = cache.withLock(KEYED, task, { timeoutMs: MINUTE });
      const first = manager.getValidToken('monitoring');
      await clock.advance(0);
      const value = 'theirs';
      const expiresAtMs = clock.nowMs() + theirsMs;
      const theirs = new AuthToken({ value, scopes: [], issuedAtMs: expiresAtMs - HOUR, expiresAtMs });
      await cache.updateGrant(KEYED, () => ({ ...EMPTY_GRANT, tokens: new Map([['monitoring', theirs]]) }));
      const finish = async () => {
        free();
        await held;
        expect((await first).reveal()).toBe(value);
      };
      return { manager, provider, finish };
    }

    test('is met by another, where that lasts no longer for it', async () => {
      const { manager, provider, finish } = await joined(30 * MINUTE);
      const long = [40, 45].map((minutes) =>
        manager.getValidToken('monitoring', { minValidMs: minutes * MINUTE }),
      );
      await finish();

      expect((await Promise.all(long)).map((token) => token.reveal())).toEqual([
        'access-token-1',
        'access-token-1',
      ]);
      expect(provider.calls).toBe(1);
    });

    test('is met by what they have obtained, where that is enough', async () => {
      const { manager, provider, finish } = await joined(30 * MINUTE);
      const long = manager.getValidToken('monitoring', { minValidMs: 20 * MINUTE });
      await finish();

      expect((await long).reveal()).toBe('theirs');
      expect(provider.calls).toBe(0);
    });

    test('is refused, where no token of the service lives that long', async () => {
      const { manager, provider, finish } = await joined(30 * MINUTE);
      const long = outcomeOf(manager.getValidToken('monitoring', { minValidMs: 2 * HOUR }));
      await finish();

      expect(await long).toMatchObject({ code: 'KM_AUTH_LIFETIME_TOO_SHORT' });
      expect(provider.calls).toBe(0);
    });
  });
});
