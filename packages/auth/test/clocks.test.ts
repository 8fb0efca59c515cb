import { describe, expect, test } from 'vitest';
import { AuthToken, type TokenProvider } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { offline } from './support/failures.js';
import { HOUR, MINUTE, outcomeOf, setup } from './support/setup.js';

describe('a wall clock that is set back', () => {
  test.each([10_000, 20 * MINUTE, 50 * MINUTE, 3 * HOUR])(
    'by %d ms makes no token live longer than it does',
    async (byMs) => {
      const { manager, provider, clock } = await setup();
      await manager.getValidToken('monitoring');
      await clock.advance(30 * MINUTE);
      clock.jumpWall(-byMs);
      for (let minute = 0; minute < 100; minute += 1) {
        const token = await manager.getValidToken('monitoring');
        expect(provider.trueExpiryMs(token)).toBeGreaterThan(clock.trueMs());
        await clock.advance(MINUTE);
      }
      expect(provider.calls).toBeLessThanOrEqual(4);
    },
  );

  test('is not believed by another scope that shares the token', async () => {
    const { manager, provider, clock } = await setup({ login: ['a', 'b'] });
    await manager.getValidToken('b');
    await manager.getValidToken('a');
    await clock.advance(30 * MINUTE);
    await manager.getValidToken('a');
    clock.jumpWall(-25 * MINUTE);
    await clock.advance(29 * MINUTE + 59_999);
    for (let second = 0; second < 60; second += 1) {
      expect(provider.trueExpiryMs(await manager.getValidToken('b'))).toBeGreaterThan(clock.trueMs());
      await clock.advance(1_000);
    }
  });

  test('is not believed inside the lock either', async () => {
    const { manager, provider, clock } = await setup({ login: ['a', 'b'] });
    await manager.getValidToken('a');
    await manager.getValidToken('b');
    await clock.advance(HOUR);
    clock.jumpWall(-6 * MINUTE);

    expect(provider.trueExpiryMs(await manager.forceRefresh('a'))).toBeGreaterThan(clock.trueMs());
  });

  test('is not believed after a forced refresh that has failed', async () => {
    const { manager, provider, clock } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    await clock.advance(54 * MINUTE);
    clock.jumpWall(-20 * MINUTE);
    provider.always({ refuse: offline() });
    await outcomeOf(manager.forceRefresh('monitoring'));
    await clock.advance(6 * MINUTE);

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_UNREACHABLE',
    });
  });

  test('does not make a process that starts then use a token from the future', async () => {
    const { manager, another, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    clock.jumpWall(-24 * HOUR);
    await another().getValidToken('monitoring');

    expect(provider.calls).toBe(2);
  });
});

describe('a wall clock that jumps forward', () => {
  test('costs one refresh, not one a call', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    clock.jumpWall(24 * HOUR);
    for (let call = 0; call < 20; call += 1) {
      await manager.getValidToken('monitoring');
      await clock.advance(MINUTE);
    }

    expect(provider.calls).toBe(2);
  });

  test('and back again costs no more than that', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    clock.jumpWall(24 * HOUR);
    await manager.getValidToken('monitoring');
    clock.jumpWall(-24 * HOUR);
    for (let call = 0; call < 20; call += 1) {
      await manager.getValidToken('monitoring');
      await clock.advance(MINUTE);
    }

    expect(provider.calls).toBe(2);
  });
});

describe('a machine that sleeps', () => {
  test('never hands out a token that expired meanwhile', async () => {
    const { manager, provider, clock } = await setup();
    for (let night = 0; night < 5; night += 1) {
      expect(provider.trueExpiryMs(await manager.getValidToken('monitoring'))).toBeGreaterThan(
        clock.trueMs(),
      );
      clock.sleepMachine(8 * HOUR);
    }

    expect(provider.calls).toBe(5);
  });
});

describe('a machine whose clock is wrong from the start', () => {
  test.each([
    ['fast', HOUR],
    ['slow', -HOUR],
    ['ten years slow', -87_600 * HOUR],
  ])('%s gets tokens and keeps them, without a refresh loop', async (_, offMs) => {
    const clock = fakeClock();
    clock.jumpWall(offMs);
    const { manager, provider, events } = await setup({ clock });
    manager.start();
    for (let minute = 0; minute < 180; minute += 1) {
      expect(provider.trueExpiryMs(await manager.getValidToken('monitoring'))).toBeGreaterThan(
        clock.trueMs(),
      );
      await clock.advance(MINUTE);
    }

    expect(provider.calls).toBe(4);
    expect(events.of('clock.jumped')).toEqual([]);
    await manager.stop();
  });

  test('is told so once, and knows by how much', async () => {
    const clock = fakeClock();
    let skewMs = HOUR;
    const provider: TokenProvider = {
      requestToken: async () => ({
        token: new AuthToken({
          value: `t${String(clock.monotonicMs())}`,
          scopes: [],
          issuedAtMs: clock.nowMs(),
          expiresAtMs: clock.nowMs() + MINUTE,
        }),
        clockSkewMs: skewMs,
      }),
    };
    const { manager, events } = await setup({ clock, provider });
    expect(manager.clockSkewMs).toBeUndefined();
    await manager.getValidToken('monitoring');
    await clock.advance(MINUTE);
    await manager.getValidToken('monitoring');
    expect(manager.clockSkewMs).toBe(HOUR);
    skewMs = 400;
    await clock.advance(MINUTE);
    await manager.getValidToken('monitoring');

    expect(manager.clockSkewMs).toBe(400);
    expect(events.of('clock.skewed').map((event) => event.skewMs)).toEqual([HOUR]);
  });
});
