import { describe, expect, test } from 'vitest';
import { AuthError, type TokenCache } from '../src/index.js';
import { settle } from './support/fake-clock.js';
import { breakInFlight, DISK_FULL, fragileSetup } from './support/fragile-cache.js';
import { API_KEY, HOUR, LOGGED_IN, MINUTE, outcomeOf } from './support/setup.js';

describe('a new token that cannot be stored', () => {
  test('is used from memory, and that is told', async () => {
    const world = await fragileSetup();
    const token = await breakInFlight(world);

    expect(token).toMatchObject({
      fingerprint: (await world.manager.getValidToken('monitoring')).fingerprint,
    });
    expect(world.events.of('cache.failed')).toMatchObject([
      { operation: 'write', message: 'no space left on device' },
    ]);
  });

  test('is renewed with the refresh token that is in memory, too', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    await world.clock.advance(HOUR);

    expect((await world.manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(new Set(world.provider.requests.map((request) => request.secret)).size).toBe(2);
  });

  test('is stored as soon as that works: by the background', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    world.manager.start();
    await world.clock.advance(MINUTE);
    expect((await world.stored()).tokens.size).toBe(0);
    delete world.cache.broken.write;
    await world.clock.advance(MINUTE);

    expect((await world.stored()).tokens.get('monitoring')?.reveal()).toBe('access-token-1');
    expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
    expect(world.events.of('cache.recovered')).toHaveLength(1);
    await world.manager.stop();
  });

  test('is stored as soon as that works: by a manager that was never started, before another sends the old one', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    await world.clock.advance(10 * MINUTE);
    delete world.cache.broken.write;
    await world.clock.advance(5_000);

    expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
    expect(await world.stored()).not.toHaveProperty('sentRefresh');
    expect(world.clock.timers()).toEqual([]);
  });

  test('is not tried again by a manager that was stopped', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    await world.manager.stop();

    expect(world.clock.timers()).toEqual([]);
  });

  test('is stored as soon as that works: when the manager stops', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    delete world.cache.broken.write;
    await world.manager.stop();

    expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-2');
    expect(await world.stored()).not.toHaveProperty('sentRefresh');
  });

  test('is stored together with what came after it', async () => {
    const world = await fragileSetup();
    await breakInFlight(world);
    await world.clock.advance(HOUR);
    await world.manager.getValidToken('monitoring');
    delete world.cache.broken.write;
    await world.manager.stop();

    expect((await world.stored()).refreshToken?.secret.reveal()).toBe('refresh-token-3');
    expect((await world.stored()).tokens.get('monitoring')?.reveal()).toBe('access-token-2');
  });

  test('is not lost to the caller when the cache throws what no cache should', async () => {
    const world = await fragileSetup();

    expect(await breakInFlight(world, { write: new TypeError('ECONNRESET') })).toMatchObject({
      scopes: ['monitoring'],
    });
    expect(world.events.of('cache.failed')).toMatchObject([{ operation: 'write', message: 'ECONNRESET' }]);
  });
});

describe('a cache that cannot be written', () => {
  test('keeps the refresh token from being used up: the error says what to do', async () => {
    const { manager, cache, provider } = await fragileSetup();
    cache.broken.write = DISK_FULL;
    const outcome = await outcomeOf(manager.getValidToken('monitoring'));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(String(outcome)).toMatch(/the refresh token was not sent: .* Make the token cache writable/);
    expect(provider.calls).toBe(0);
  });

  test('does not keep the API key from bringing a token', async () => {
    const { manager, cache, provider, clock } = await fragileSetup({
      login: ['monitoring'],
      apiKey: API_KEY,
    });
    cache.broken.write = DISK_FULL;

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    expect(provider.requests.map((request) => request.grantType)).toEqual(['api_key']);
    await clock.advance(HOUR);
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });
});

describe('a cache that cannot be locked', () => {
  test.each([
    ['a cache error', DISK_FULL],
    ['an error of its own kind', new TypeError('ECONNREFUSED')],
  ])('with %s keeps the refresh token from being used outside the lock', async (_, error) => {
    const { manager, cache, provider, stored } = await fragileSetup();
    cache.broken.lock = error;
    const outcome = await outcomeOf(manager.getValidToken('monitoring'));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(provider.calls).toBe(0);
    delete cache.broken.lock;
    expect((await stored()).refreshToken).toBeDefined();
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
  });

  test('does not keep the API key from bringing a token', async () => {
    const { manager, cache } = await fragileSetup({});
    cache.broken.lock = DISK_FULL;

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
  });

  test('because another holds it for too long is tried again later: a token still good is used', async () => {
    const { manager, cache, clock } = await fragileSetup();
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR - 4_000);
    cache.broken.lock = new AuthError('KM_AUTH_LOCK_TIMEOUT', 'held');
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    await clock.advance(4_000);

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
    });
  });
});

describe('a cache that cannot be read', () => {
  test('takes no valid token away from those who have it', async () => {
    const { manager, cache, clock, provider, events } = await fragileSetup();
    await manager.getValidToken('monitoring');
    cache.broken.read = DISK_FULL;
    for (let minute = 1; minute < 50; minute += 1) {
      await clock.advance(MINUTE);
      expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    }
    expect(provider.calls).toBe(1);
    expect(events.of('cache.failed')).toMatchObject([{ operation: 'read' }]);
  });

  test('is looked at every few seconds, and only the first caller waits for what takes long to fail', async () => {
    const { manager, cache, clock, another } = await fragileSetup();
    await manager.getValidToken('monitoring');
    let looks = 0;
    const getGrant: TokenCache['getGrant'] = cache.getGrant.bind(cache);
    cache.getGrant = async (key) => {
      looks += 1;
      if (cache.broken.read !== undefined)
        await new Promise<void>((resolve) => clock.schedule(resolve, 5_000, false));
      return getGrant(key);
    };
    cache.broken.read = DISK_FULL;
    await clock.advance(MINUTE);
    const first = manager.getValidToken('monitoring');
    await clock.advance(5_000);
    await first;
    for (let second = 0; second < 60; second += 1) {
      expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
      await clock.advance(1_000);
    }
    expect(looks).toBe(1 + 6);

    delete cache.broken.read;
    await another().forceRefresh('monitoring');
    await clock.advance(10_000);
    await manager.getValidToken('monitoring');
    await settle();
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
  });

  test('is looked at before a token is handed out that somebody rejected, or of which nothing was heard for long', async () => {
    const { manager, cache, clock, another } = await fragileSetup();
    const token = await manager.getValidToken('monitoring');
    cache.broken.read = DISK_FULL;
    await clock.advance(MINUTE);
    await manager.getValidToken('monitoring');
    delete cache.broken.read;
    const newer = await another().forceRefresh('monitoring', { rejected: token });
    await clock.advance(MINUTE);

    expect(await manager.getValidToken('monitoring')).toMatchObject({ fingerprint: newer.fingerprint });
  });

  test('does not make anybody log in again', async () => {
    const { manager, cache } = await fragileSetup();
    cache.broken.read = DISK_FULL;

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({ code: 'KM_AUTH_CACHE' });
    delete cache.broken.read;
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
  });

  test('does not keep the API key from bringing a token', async () => {
    const { manager, cache } = await fragileSetup({});
    cache.broken.read = DISK_FULL;

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-1');
    expect(await cache.listGrants()).not.toContainEqual(LOGGED_IN);
  });
});
