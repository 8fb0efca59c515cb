import { describe, expect, test } from 'vitest';
import { DISK_FULL, fragileSetup } from './support/fragile-cache.js';
import { invalidClient, offline, overloaded } from './support/failures.js';
import { expiredLogin, MINUTE, outcomeOf, setup } from './support/setup.js';
import { recordEvents } from './support/record-events.js';

describe('a storm of token requests', () => {
  test('of an API that rejects every token is stopped at the eleventh', async () => {
    const { manager, provider } = await setup();
    let rejected = await manager.getValidToken('monitoring');
    for (let refresh = 0; refresh < 10; refresh += 1) {
      rejected = await manager.forceRefresh('monitoring', { rejected });
    }

    const outcome = await outcomeOf(manager.forceRefresh('monitoring', { rejected }));
    expect(outcome).toMatchObject({ code: 'KM_AUTH_STORM', isRetryable: true });
    expect(String(outcome)).toContain('10 token requests within 30 s');
    expect(provider.calls).toBe(11);
  });

  test('is stopped for every process that shares the cache, and told by each that runs into it', async () => {
    const { another, provider } = await setup();
    let rejected = await another().getValidToken('monitoring');
    for (let refresh = 0; refresh < 10; refresh += 1) {
      rejected = await another().forceRefresh('monitoring', { rejected });
    }

    const last = another();
    const events = recordEvents(last);
    expect(await outcomeOf(last.forceRefresh('monitoring', { rejected }))).toMatchObject({
      code: 'KM_AUTH_STORM',
    });
    expect(events.of('storm.braked')).toHaveLength(1);
    expect(provider.calls).toBe(11);
  });

  test('of callers who ask again as soon as they have failed is stopped, and clears by itself', async () => {
    const { manager, provider, clock } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: overloaded() });
    for (let call = 0; call < 50; call += 1) await outcomeOf(manager.getValidToken('monitoring'));
    expect(provider.calls).toBe(1 + 10);
    provider.always(undefined);
    await clock.advance(29_999);
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({ code: 'KM_AUTH_STORM' });
    await clock.advance(1);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test('of a wrong configuration is stopped, too', async () => {
    const { manager, provider } = await setup();
    provider.always({ refuse: invalidClient() });
    for (let call = 0; call < 50; call += 1) await outcomeOf(manager.getValidToken('monitoring'));

    expect(provider.calls).toBe(10);
  });

  test.each([
    ['that rejects every token', undefined],
    ['that refuses every request', { refuse: invalidClient() }],
  ])('of an API %s is stopped where the cache cannot be written, too', async (_how, trouble) => {
    const { manager, provider, cache, clock } = await fragileSetup({
      service: { givesRefreshTokens: false },
    });
    Object.assign(cache.broken, { write: DISK_FULL, lock: DISK_FULL });
    provider.always(trouble);
    for (let call = 0; call < 50; call += 1) await outcomeOf(manager.forceRefresh('monitoring'));
    expect(await outcomeOf(manager.forceRefresh('monitoring'))).toMatchObject({ code: 'KM_AUTH_STORM' });
    expect(provider.calls).toBe(10);
    Object.assign(cache.broken, { write: undefined, lock: undefined });
    expect(await outcomeOf(manager.forceRefresh('monitoring'))).toMatchObject({ code: 'KM_AUTH_STORM' });
    await clock.advance(30_000);
    provider.always(undefined);

    expect((await manager.forceRefresh('monitoring')).reveal()).toMatch(/^access-token-/);
  });

  test('is told once, and again when it comes again', async () => {
    const { manager, provider, clock, events } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: overloaded() });
    for (let call = 0; call < 15; call += 1) await outcomeOf(manager.getValidToken('monitoring'));
    expect(events.of('storm.braked')).toMatchObject([{ requests: 10, withinMs: 30_000 }]);
    await clock.advance(MINUTE);
    for (let call = 0; call < 15; call += 1) await outcomeOf(manager.getValidToken('monitoring'));

    expect(events.of('storm.braked')).toHaveLength(2);
  });
});

describe('what is no storm:', () => {
  test('tokens of 2 s, renewed for a minute, and a network that is down, where the cache cannot be written', async () => {
    const { manager, provider, clock, cache, events } = await fragileSetup({
      service: { lifetimeMs: 2_000, givesRefreshTokens: false },
      maxRetries: 0,
    });
    Object.assign(cache.broken, { write: DISK_FULL, lock: DISK_FULL });
    for (let tick = 0; tick < 60; tick += 1) {
      await manager.getValidToken('monitoring');
      await clock.advance(1_000);
    }
    provider.always({ refuse: offline() });
    for (let call = 0; call < 50; call += 1) await outcomeOf(manager.forceRefresh('monitoring'));

    expect(events.of('storm.braked')).toEqual([]);
    expect(provider.calls).toBeGreaterThan(80);
  });

  test('tokens of 2 s, renewed for five minutes', async () => {
    const { manager, provider, clock, events } = await setup({ service: { lifetimeMs: 2_000 } });
    for (let tick = 0; tick < 3_000; tick += 1) {
      const token = await manager.getValidToken('monitoring');
      expect(provider.trueExpiryMs(token)).toBeGreaterThan(clock.trueMs());
      await clock.advance(100);
    }

    expect(events.of('storm.braked')).toEqual([]);
    expect(provider.calls).toBeGreaterThan(250);
    expect(provider.calls).toBeLessThanOrEqual(301);
  });

  test('twenty scopes asked for at once', async () => {
    const { manager, provider } = await setup();
    const scopes = Array.from({ length: 20 }, (_, index) => `scope-${String(index)}`);
    await Promise.all(scopes.map((scope) => manager.getValidToken(scope)));

    expect(provider.calls).toBe(20);
  });

  test('tries while the network is down: none of them reached the service', async () => {
    const { manager, provider } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: offline() });
    for (let call = 0; call < 50; call += 1) {
      expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
        code: 'KM_AUTH_UNREACHABLE',
      });
    }
    provider.always(undefined);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });
});
