import { describe, expect, test } from 'vitest';
import { AuthToken, createMemoryCache } from '../src/index.js';
import { fakeClock, settle } from './support/fake-clock.js';
import { HOUR, MINUTE, setup } from './support/setup.js';

describe('callers at the same time', () => {
  test('a hundred of one scope share one refresh', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 50 } });
    const callers = Array.from({ length: 100 }, () => manager.getValidToken('monitoring'));
    await clock.advance(50);
    const tokens = await Promise.all(callers);

    expect(new Set(tokens.map((token) => token.reveal()))).toEqual(new Set(['access-token-1']));
    expect(provider.calls).toBe(1);
  });

  test('of a hundred managers on one cache make one request', async () => {
    const { another, provider, clock } = await setup({ service: { latencyMs: 50 } });
    const callers = Array.from({ length: 100 }, () => another().getValidToken('monitoring'));
    await clock.advance(50);
    const tokens = await Promise.all(callers);

    expect(new Set(tokens.map((token) => token.fingerprint)).size).toBe(1);
    expect(provider.calls).toBe(1);
  });

  test('of several scopes of one login never have two requests under way', async () => {
    const { manager, provider, clock } = await setup({ login: ['a', 'b', 'c'], service: { latencyMs: 50 } });
    const callers = ['a', 'b', 'c', 'a b'].map((scope) => manager.getValidToken(scope));
    await clock.advance(1_000);
    await Promise.all(callers);

    expect(provider.mostInFlight).toBe(1);
    expect(new Set(provider.requests.map((request) => request.secret)).size).toBe(provider.calls);
  });

  test('of several scopes of one login share one renewal once each has a token', async () => {
    const { manager, provider, clock } = await setup({ login: ['a', 'b'] });
    await manager.getValidToken('a');
    await manager.getValidToken('b');
    const before = provider.calls;
    await clock.advance(HOUR);
    const [one, other] = await Promise.all([manager.getValidToken('a'), manager.getValidToken('b')]);

    expect(provider.calls - before).toBe(1);
    expect(one.fingerprint).toBe(other.fingerprint);
  });

  test('of two profiles do not wait for each other', async () => {
    const { manager, another, provider, clock } = await setup({ service: { latencyMs: 50 } });
    const callers = [manager, another({ profile: 'work' })].map((each) => each.getValidToken('monitoring'));
    await clock.advance(50);
    const tokens = await Promise.all(callers);

    expect(provider.mostInFlight).toBe(2);
    expect(tokens[0]?.fingerprint).not.toBe(tokens[1]?.fingerprint);
  });

  test('of two API keys never get each other’s token', async () => {
    const { manager, another, provider } = await setup();
    const ours = await manager.getValidToken('monitoring');
    const theirs = await another({ apiKey: 'km_pro_other' }).getValidToken('monitoring');
    const elsewhere = await another({ apiEndpoint: 'https://other.example.test' }).getValidToken(
      'monitoring',
    );

    expect(new Set([ours, theirs, elsewhere].map((token) => token.fingerprint)).size).toBe(3);
    expect(provider.calls).toBe(3);
  });
});

describe('the refresh token of a grant', () => {
  test('serves every scope that was ever asked for: each new one is asked for together with the others', async () => {
    const { manager, provider, clock, stored } = await setup();
    await manager.getValidToken('monitoring');
    await manager.getValidToken('plugins');

    expect(provider.requests.map((request) => request.scopes)).toEqual([
      ['monitoring'],
      ['monitoring', 'plugins'],
    ]);
    expect((await stored()).refreshToken?.scopes).toEqual(['monitoring', 'plugins']);
    await clock.advance(HOUR);
    await manager.getValidToken('monitoring');
    await manager.getValidToken('plugins');
    expect(provider.requests.slice(2).map((request) => request.grantType)).toEqual(['refresh_token']);
  });

  test('is not used for a scope that it does not serve', async () => {
    const { manager, provider, stored } = await setup({ login: ['monitoring'] });
    const before = await stored();

    await expect(manager.getValidToken('plugins')).rejects.toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(provider.calls).toBe(0);
    expect((await stored()).refreshToken).toEqual(before.refreshToken);
  });

  test('whose scopes are not known is never believed to serve more than it showed', async () => {
    const clock = fakeClock();
    const cache = createMemoryCache({ clock });
    const { provider, another } = await setup({ clock, cache });
    const refreshToken = provider.login('monitoring');
    const manager = another({ apiKey: undefined, refreshToken });

    for (let call = 0; call < 3; call += 1) {
      await expect(manager.getValidToken('plugins')).rejects.toMatchObject({
        code: 'KM_AUTH_LOGIN_REQUIRED',
      });
    }
    expect(provider.calls).toBe(1);
    expect((await manager.getValidToken('monitoring')).scopes).toEqual(['monitoring']);
  });

  test('that the server does not replace stays good', async () => {
    const { manager, provider, clock, stored } = await setup({ login: ['a'], service: { rotates: false } });
    const before = (await stored()).refreshToken?.secret.reveal();
    for (let hour = 0; hour < 3; hour += 1) {
      await manager.getValidToken('a');
      await clock.advance(HOUR);
    }

    expect(provider.calls).toBe(3);
    expect((await stored()).refreshToken?.secret.reveal()).toBe(before);
  });

  test('given to the manager is used once, and what replaced it counts from then on', async () => {
    const { provider, another, clock } = await setup();
    const refreshToken = provider.login('monitoring');
    const config = { apiKey: undefined, refreshToken };
    await another(config).getValidToken('monitoring');
    await clock.advance(HOUR);
    await another(config).getValidToken('monitoring');

    expect(provider.requests.filter((request) => request.secret === refreshToken.reveal())).toHaveLength(1);
    expect(provider.calls).toBe(2);
  });
});

describe('a forced refresh', () => {
  test('brings a newer token although the one at hand looks good', async () => {
    const { manager, provider } = await setup();
    await manager.getValidToken('monitoring');

    expect((await manager.forceRefresh('monitoring')).reveal()).toBe('access-token-2');
    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });

  test('takes the token that another process has obtained meanwhile', async () => {
    const { manager, another, provider } = await setup();
    const rejected = await manager.getValidToken('monitoring');
    const newer = await another().forceRefresh('monitoring');

    expect((await manager.forceRefresh('monitoring', { rejected })).fingerprint).toBe(newer.fingerprint);
    expect(provider.calls).toBe(2);
  });

  test('asked for by fifty whose token was rejected is one refresh', async () => {
    const { manager, provider, clock } = await setup();
    const rejected = await manager.getValidToken('monitoring');
    provider.latencyMs = 100;
    const early = Array.from({ length: 25 }, () => manager.forceRefresh('monitoring', { rejected }));
    await clock.advance(100);
    const late = Array.from({ length: 25 }, () => manager.forceRefresh('monitoring', { rejected }));
    await clock.advance(100);
    const tokens = await Promise.all([...early, ...late]);

    expect(new Set(tokens.map((token) => token.reveal()))).toEqual(new Set(['access-token-2']));
    expect(provider.calls).toBe(2);
  });

  test('waits for a refresh under way instead of starting another', async () => {
    const { manager, provider, clock } = await setup();
    const rejected = await manager.getValidToken('monitoring');
    await clock.advance(56 * MINUTE);
    provider.latencyMs = 100;
    await manager.getValidToken('monitoring');
    await settle();
    const forced = manager.forceRefresh('monitoring', { rejected });
    await clock.advance(200);

    expect((await forced).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });

  test('does not take the very token that was rejected from a refresh under way', async () => {
    const { manager, provider, clock } = await setup({ service: { latencyMs: 100 } });
    const underway = manager.getValidToken('monitoring');
    await settle();
    // Who shares the cache may hear of it first, use it, and be told that it is not taken.
    const rejected = new AuthToken({ value: 'access-token-1', scopes: [], issuedAtMs: 0, expiresAtMs: HOUR });
    const forced = manager.forceRefresh('monitoring', { rejected });
    await clock.advance(200);

    expect((await underway).reveal()).toBe('access-token-1');
    expect((await forced).reveal()).toBe('access-token-2');
    expect(provider.calls).toBe(2);
  });
});

describe('clearing the cache', () => {
  test('forgets the tokens in memory and in the cache, and keeps the login', async () => {
    const { manager, provider, stored } = await setup({ login: ['a', 'b'] });
    await manager.getValidToken('a');
    await manager.clearCache();

    expect((await stored()).tokens.size).toBe(0);
    expect((await stored()).refreshToken).toBeDefined();
    expect((await manager.getValidToken('a')).reveal()).toBe('access-token-2');
    expect(provider.requests.map((request) => request.grantType)).toEqual(['refresh_token', 'refresh_token']);
  });
});
