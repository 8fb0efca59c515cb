import { describe, expect, test } from 'vitest';
import type { AuthToken } from '../src/index.js';
import { offline } from './support/failures.js';
import { recordEvents } from './support/record-events.js';
import { API_KEY, KEYED, outcomeOf, setup, type Setup } from './support/setup.js';

/** Two scopes have a token, and the API has said that the one for `a` was revoked. */
async function revoked(options: Parameters<typeof setup>[0] = {}): Promise<Setup & { rejected: AuthToken }> {
  const world = await setup({ maxRetries: 0, ...options });
  await world.manager.getValidToken('b');
  const rejected = await world.manager.getValidToken('a');
  return { ...world, rejected };
}

describe('a token that the API says was revoked', () => {
  test('takes every token of the profile with it, in the cache and in memory', async () => {
    const { manager, rejected, stored } = await revoked();
    const before = await manager.getValidToken('b');
    await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect([...(await stored()).tokens.keys()]).toEqual(['a']);
    expect((await manager.getValidToken('b')).fingerprint).not.toBe(before.fingerprint);
  });

  test.each([
    ['of an API key that wins no refresh tokens', { service: { givesRefreshTokens: false } }],
    ['of a login', { login: ['a', 'b'] }],
  ])('takes every token %s with it, also where no fresh one can be had', async (_, options) => {
    const { manager, provider, rejected, stored } = await revoked(options);
    provider.always({ refuse: offline() });
    await outcomeOf(manager.forceRefresh('a', { rejected, isRevoked: true }));

    expect((await stored()).tokens).toEqual(new Map());
    expect('refreshToken' in (await stored())).toBe('login' in options);
  });

  test('forces a fresh grant with the API key: the refresh token of a revoked login is not used', async () => {
    const { manager, provider, rejected } = await revoked();
    await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(provider.requests.at(-1)?.grantType).toBe('api_key');
  });

  test('is told once, however many callers were told', async () => {
    const { manager, rejected, events } = await revoked();
    await Promise.all([1, 2, 3].map(() => manager.forceRefresh('a', { rejected, isRevoked: true })));
    await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(events.of('token.revoked')).toHaveLength(1);
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('is told once, although the service cannot be reached for a fresh grant', async () => {
    const { manager, provider, rejected, events } = await revoked();
    provider.always({ refuse: offline() });
    for (let call = 0; call < 3; call += 1) {
      await outcomeOf(manager.forceRefresh('a', { rejected, isRevoked: true }));
    }
    provider.always(undefined);

    expect((await manager.forceRefresh('a', { rejected, isRevoked: true })).fingerprint).not.toBe(
      rejected.fingerprint,
    );
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('is told once when the login turns out to be revoked as well', async () => {
    const { manager, provider, rejected, events, stored } = await revoked({ login: ['a', 'b'] });
    provider.revokeLogin((await stored()).refreshToken!.secret);
    const outcome = await outcomeOf(manager.forceRefresh('a', { rejected, isRevoked: true }));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(events.of('security.event').map((event) => event.reason)).toEqual(['token-revoked']);
    expect(await stored()).not.toHaveProperty('refreshToken');
    expect((await stored()).tokens.size).toBe(0);
  });

  test('is renewed with the login where there is nothing else, and the login is good', async () => {
    const { manager, rejected } = await revoked({ login: ['a', 'b'] });
    const fresh = await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(fresh.fingerprint).not.toBe(rejected.fingerprint);
  });

  test('and was replaced by another process already is no news', async () => {
    const { manager, another, rejected, events } = await revoked();
    const newer = await another().forceRefresh('a', { rejected });
    const token = await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(token.fingerprint).toBe(newer.fingerprint);
    expect(events.of('security.event')).toEqual([]);
  });

  test('and was replaced by one that is over by now is no news either', async () => {
    const { manager, another, provider, clock, rejected, events } = await revoked();
    provider.lifetimeMs = 60_000;
    await another().forceRefresh('a', { rejected });
    await clock.advance(60_000);
    const token = await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(token.fingerprint).not.toBe(rejected.fingerprint);
    expect(events.of('security.event')).toEqual([]);
  });

  test('and was cleared by another process already, which it served in another scope, is no news: what that won stays', async () => {
    const world = await setup({ login: ['a', 'b'], apiKey: API_KEY });
    const [one, other] = [world.another(), world.another()];
    const rejected = await one.getValidToken('a');
    await world.cache.updateGrant(KEYED, (record) => ({
      ...record!,
      tokens: new Map([...record!.tokens, ['b', rejected]]),
    }));
    await other.getValidToken('b');
    await world.clock.advance(1_000);
    const fresh = await one.forceRefresh('a', { rejected, isRevoked: true });
    const events = recordEvents(other);
    const own = await other.forceRefresh('b', { rejected, isRevoked: true });

    const { tokens, refreshToken } = await world.stored();
    expect([tokens.get('a'), tokens.get('b')]).toEqual([fresh, own]);
    expect(refreshToken?.scopes).toEqual(['a', 'b']);
    expect(events.of('security.event')).toEqual([]);
  });

  test('and is not stored any more, but the login that won it, is cleared all the same', async () => {
    const { manager, provider, rejected, cache, events } = await revoked({
      login: ['a', 'b'],
      apiKey: API_KEY,
    });
    await cache.updateGrant(KEYED, (record) => ({ ...record!, tokens: new Map() }));
    await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(provider.requests.at(-1)?.grantType).toBe('api_key');
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('is named to the user by its fingerprint', async () => {
    const { manager, rejected, events } = await revoked();
    await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(events.of('security.event').map(({ message }) => message)).toEqual([
      `the API says that token ${rejected.fingerprint} was revoked: this profile's tokens were cleared and a fresh one is obtained`,
    ]);
  });

  test('is replaced with the API key where that wins no refresh tokens', async () => {
    const { manager, rejected, events } = await revoked({ service: { givesRefreshTokens: false } });
    const fresh = await manager.forceRefresh('a', { rejected, isRevoked: true });

    expect(fresh.fingerprint).not.toBe(rejected.fingerprint);
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('is told again when it happens to another token', async () => {
    const { manager, rejected, events } = await revoked();
    const second = await manager.forceRefresh('a', { rejected, isRevoked: true });
    await manager.forceRefresh('a', { rejected: second, isRevoked: true });

    expect(events.of('token.revoked').map(({ token }) => token)).toEqual([
      rejected.fingerprint,
      second.fingerprint,
    ]);
  });
});
