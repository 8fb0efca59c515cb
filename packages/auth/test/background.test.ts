import { describe, expect, test } from 'vitest';
import { createMemoryCache } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { offline, overloaded } from './support/failures.js';
import { HOUR, MINUTE, setup, type Setup } from './support/setup.js';

describe('the background', () => {
  test('refreshes what is due, without anybody asking', async () => {
    const { manager, provider, clock, stored } = await setup();
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(55 * MINUTE);

    expect(provider.calls).toBe(2);
    expect((await stored()).tokens.get('monitoring')?.reveal()).toBe('access-token-2');
    await manager.stop();
  });

  test('makes no request while nothing is due', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(55 * MINUTE - 1);

    expect(provider.calls).toBe(1);
    await manager.stop();
  });

  test('looks at once when it starts, then every check interval', async () => {
    const clock = fakeClock();
    const cache = createMemoryCache({ clock });
    const looks: number[] = [];
    const startMs = clock.trueMs();
    const { manager } = await setup({
      clock,
      cache: { ...cache, getGrant: (key) => (looks.push(clock.trueMs() - startMs), cache.getGrant(key)) },
      checkIntervalMs: 20_000,
    });
    manager.start();
    await clock.advance(60_000);

    expect(looks).toEqual([0, 20_000, 40_000, 60_000]);
    await manager.stop();
  });

  test('looks no more often where a token never ends', async () => {
    const clock = fakeClock();
    const cache = createMemoryCache({ clock });
    let looks = 0;
    const { manager, provider } = await setup({
      clock,
      cache: { ...cache, getGrant: (key) => ((looks += 1), cache.getGrant(key)) },
      service: { lifetimeMs: Number.POSITIVE_INFINITY },
    });
    await manager.getValidToken('monitoring');
    looks = 0;
    manager.start();
    await clock.advance(2 * MINUTE);

    expect([looks, provider.calls]).toEqual([3, 1]);
    await manager.stop();
  });

  test('looks when a token falls due, where that is sooner', async () => {
    const { manager, provider, clock } = await setup({ service: { lifetimeMs: 90_000 } });
    await manager.getValidToken('monitoring');
    const startMs = clock.trueMs();
    manager.start();
    await clock.advance(MINUTE);

    expect(provider.requests[1]!.atMs - startMs).toBe(45_000);
    await manager.stop();
  });

  test('keeps tokens of a few seconds fresh although it looks only once a minute', async () => {
    const { manager, provider, clock, stored } = await setup({
      service: { lifetimeMs: 4_000, latencyMs: 50 },
    });
    void manager.getValidToken('monitoring');
    await clock.advance(50);
    manager.start();
    for (let tick = 0; tick < 600; tick += 1) {
      await clock.advance(200);
      const token = (await stored()).tokens.get('monitoring');
      expect(provider.trueExpiryMs(token!)).toBeGreaterThan(clock.trueMs());
    }
    await manager.stop();
  });

  test('looks sooner when a caller brings in a token that does not last until the next look', async () => {
    const { manager, provider, clock } = await setup({ service: { lifetimeMs: 4_000 } });
    manager.start();
    await clock.advance(1_000);
    await manager.getValidToken('monitoring');
    await clock.advance(2_000);

    expect(provider.calls).toBe(2);
    expect(clock.timers()).toHaveLength(1);
    await manager.stop();
  });

  test('refreshes every scope that is in the cache, by whomever it was asked for', async () => {
    const { manager, another, clock, stored } = await setup({ login: ['a', 'b'] });
    await another().getValidToken('a');
    await another().getValidToken('b');
    manager.start();
    await clock.advance(56 * MINUTE);

    for (const token of (await stored()).tokens.values()) {
      expect(token.remainingMs(clock.nowMs())).toBeGreaterThan(50 * MINUTE);
    }
    await manager.stop();
  });

  test('renews what expired in the cache while nothing ran, before anybody asks', async () => {
    const { manager, another, clock, provider } = await setup();
    await another().getValidToken('monitoring');
    clock.sleepMachine(8 * HOUR);
    manager.start();
    await clock.advance(0);

    expect(provider.calls).toBe(2);
    await manager.stop();
  });

  test('leaves what ended more than a day ago, and nobody asks for here, until somebody does', async () => {
    const { manager, another, clock, provider } = await setup({ login: ['a', 'b'] });
    await another().getValidToken('a');
    clock.sleepMachine(25 * HOUR + 1);
    manager.start();
    await clock.advance(MINUTE);
    expect(provider.calls).toBe(1);

    expect((await manager.getValidToken('a')).reveal()).toBe('access-token-2');
    await clock.advance(56 * MINUTE);
    expect(provider.calls).toBe(3);
    await manager.stop();
  });

  test.each([
    ['was asked for', (world: Setup) => world.manager],
    ['was taken over', (world: Setup) => world.another()],
  ])('goes on with what %s here after days of sleep', async (_, by) => {
    const world = await setup({ login: ['a', 'b'] });
    const { manager, clock, provider } = world;
    await by(world).getValidToken('a');
    manager.start();
    await clock.advance(MINUTE);
    clock.sleepMachine(3 * 24 * HOUR);
    await clock.advance(MINUTE);

    expect(provider.calls).toBe(2);
    await manager.stop();
  });

  test('keeps no process alive', async () => {
    const { manager, clock } = await setup();
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(MINUTE);

    expect(clock.timers().map((timer) => timer.keepsAlive)).toEqual([false]);
    await manager.stop();
    expect(clock.timers()).toEqual([]);
  });

  test('never runs twice, however often it is started', async () => {
    const { manager, clock } = await setup();
    manager.start();
    manager.start();
    await clock.advance(MINUTE);
    manager.start();

    expect(clock.timers()).toHaveLength(1);
    await manager.stop();
    await manager.stop();
    manager.start();
    expect(clock.timers()).toHaveLength(1);
    await manager.stop();
  });

  test('survives a cache and a service that fail, and goes on', async () => {
    const { manager, provider, clock } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    manager.start();
    provider.always({ refuse: overloaded() });
    await clock.advance(58 * MINUTE);
    provider.always(undefined);
    await clock.advance(MINUTE);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    await manager.stop();
  });

  test('tries again by itself after the token has expired, once the service is back', async () => {
    const { manager, provider, clock, stored } = await setup({ maxRetries: 0 });
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(50 * MINUTE);
    provider.always({ refuse: offline() });
    await clock.advance(HOUR);
    provider.always(undefined);
    await clock.advance(MINUTE);

    expect((await stored()).tokens.get('monitoring')?.reveal()).toBe('access-token-2');
    await manager.stop();
  });
});

describe('sleep and clock jumps', () => {
  test.each([
    ['forward', 2 * HOUR],
    ['back', -2 * HOUR],
  ])('a wall clock set %s is noticed at the next look, and told', async (_, byMs) => {
    const { manager, clock, events } = await setup();
    manager.start();
    await clock.advance(MINUTE);
    clock.jumpWall(byMs);
    await clock.advance(MINUTE);

    expect(events.of('clock.jumped').map((event) => event.byMs)).toEqual([byMs]);
    await manager.stop();
  });

  test('a machine that slept is noticed, and its expired token renewed at the first look', async () => {
    const { manager, clock, provider, events } = await setup();
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(MINUTE);
    clock.sleepMachine(8 * HOUR);
    await clock.advance(MINUTE);

    expect(events.of('clock.jumped')).toMatchObject([{ byMs: 8 * HOUR }]);
    expect(provider.calls).toBe(2);
    await manager.stop();
  });

  test('clocks that drift apart by less than two seconds are no news', async () => {
    const { manager, clock, events } = await setup();
    manager.start();
    await clock.advance(MINUTE);
    clock.jumpWall(1_999);
    await clock.advance(MINUTE);

    expect(events.of('clock.jumped')).toEqual([]);
    await manager.stop();
  });
});
