import { describe, expect, test } from 'vitest';
import { createMemoryCache } from '../src/index.js';
import { invalidGrant, overloaded } from './support/failures.js';
import { API_KEY, expiredLogin, HOUR, KEYED, MINUTE, outcomeOf, setup } from './support/setup.js';

describe('Token expiration detection', () => {
  test('a token is refreshed five minutes before it expires, and not before', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(55 * MINUTE - 1);
    await manager.getValidToken('monitoring');
    expect(provider.calls).toBe(1);
    await clock.advance(1);
    await manager.getValidToken('monitoring');
    await clock.advance(0);

    expect(provider.calls).toBe(2);
  });

  test('an expired token is never handed out', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR);

    expect(provider.trueExpiryMs(await manager.getValidToken('monitoring'))).toBeGreaterThan(clock.trueMs());
  });

  test('the background finds it out every minute, with nobody asking', async () => {
    const { manager, provider, clock } = await setup();
    await manager.getValidToken('monitoring');
    manager.start();
    await clock.advance(56 * MINUTE);

    expect(provider.calls).toBe(2);
    await manager.stop();
  });
});

describe('Refresh token flow', () => {
  test('a refresh token renews the token, is replaced by its successor, and is never sent again', async () => {
    const { manager, provider, clock } = await setup({ login: ['monitoring'] });
    for (let hour = 0; hour < 5; hour += 1) {
      await manager.getValidToken('monitoring');
      await clock.advance(HOUR);
    }

    expect(provider.requests.map((request) => request.secret)).toEqual(
      [1, 2, 3, 4, 5].map((number) => `refresh-token-${String(number)}`),
    );
  });
});

describe('API key fallback', () => {
  test('the API key takes over when the refresh token is gone', async () => {
    const { manager, provider } = await expiredLogin({ apiKey: API_KEY });
    provider.next({ refuse: invalidGrant() });
    await manager.getValidToken('monitoring');

    expect(provider.requests.at(-1)).toMatchObject({
      grantType: 'api_key',
      secret: API_KEY,
      outcome: 'answered',
    });
  });

  test('the API key takes over when refreshing keeps failing', async () => {
    const { manager, provider, clock } = await expiredLogin({ apiKey: API_KEY, maxRetries: 1 });
    provider.next({ refuse: overloaded() }, { refuse: overloaded() });
    const token = manager.getValidToken('monitoring');
    await clock.advance(MINUTE);

    expect((await token).reveal()).toBe('access-token-2');
    expect(provider.requests.at(-1)?.grantType).toBe('api_key');
  });
});

describe('Concurrent refresh handling', () => {
  test('only one refresh per scope runs at a time; other requests wait for it', async () => {
    const { manager, provider, clock } = await expiredLogin();
    provider.latencyMs = 500;
    const callers = Array.from({ length: 1_000 }, () => manager.getValidToken('monitoring'));
    await clock.advance(500);

    expect(new Set((await Promise.all(callers)).map((token) => token.reveal()))).toEqual(
      new Set(['access-token-2']),
    );
    expect(provider.calls).toBe(2);
  });

  test('a storm of refreshes is prevented', async () => {
    const { manager, provider } = await expiredLogin({ maxRetries: 0 });
    provider.always({ refuse: overloaded() });
    for (let call = 0; call < 100; call += 1) await outcomeOf(manager.getValidToken('monitoring'));

    expect(provider.calls).toBeLessThanOrEqual(11);
  });
});

describe('Retry logic', () => {
  test('a failed refresh is tried three more times, with waits that double', async () => {
    const { manager, provider, clock } = await expiredLogin();
    const startMs = clock.trueMs();
    provider.always({ refuse: overloaded() });
    const outcome = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(MINUTE);

    expect(await outcome).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(provider.requests.slice(1).map((request) => request.atMs - startMs)).toEqual([
      0, 1_000, 3_000, 7_000,
    ]);
  });
});

describe('Cache operations', () => {
  test('a token outlives the manager that obtained it', async () => {
    const { manager, another, provider } = await setup();
    const token = await manager.getValidToken('monitoring');
    await manager.stop();

    expect((await another().getValidToken('monitoring')).fingerprint).toBe(token.fingerprint);
    expect(provider.calls).toBe(1);
  });

  test('a token is stored, found, replaced and removed', async () => {
    const cache = createMemoryCache();
    const { manager } = await setup({ cache });
    const { fingerprint } = await manager.getValidToken('monitoring');
    expect((await cache.getGrant(KEYED))?.tokens.get('monitoring')?.fingerprint).toBe(fingerprint);
    const newer = await manager.forceRefresh('monitoring');
    expect((await cache.getGrant(KEYED))?.tokens.get('monitoring')?.fingerprint).toBe(newer.fingerprint);
    await manager.clearCache();

    expect((await cache.getGrant(KEYED))?.tokens.size).toBe(0);
  });

  test('a cache that was cleared behind its back costs one new token, and nothing else', async () => {
    const { manager, provider, clock, cache } = await setup();
    await manager.getValidToken('monitoring');
    await cache.updateGrant(KEYED, () => undefined);
    await clock.advance(MINUTE);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });
});
