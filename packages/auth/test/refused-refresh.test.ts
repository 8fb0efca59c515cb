import { describe, expect, test } from 'vitest';
import { invalidClient, invalidGrant, overloaded } from './support/failures.js';
import { API_KEY, expiredLogin, HOUR, outcomeOf, setup } from './support/setup.js';

describe('invalid_grant on the refresh token', () => {
  test('without an API key is for a human, and removes that refresh token only', async () => {
    const { manager, provider, stored, events } = await expiredLogin();
    const before = await stored();
    provider.next({ refuse: invalidGrant('expired') });

    const outcome = await outcomeOf(manager.getValidToken('monitoring'));
    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED', isRetryable: false });
    expect(String(outcome)).toMatch(/the login is over: .*run `km auth login`/);
    expect(await stored()).not.toHaveProperty('refreshToken');
    expect((await stored()).tokens).toEqual(before.tokens);
    expect(events.of('grant.cleared')).toHaveLength(1);
    expect(provider.calls).toBe(2);
  });

  test('falls back to the API key at once', async () => {
    const { manager, provider, events } = await expiredLogin({ apiKey: API_KEY });
    provider.next({ refuse: invalidGrant('expired') });

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(provider.requests.slice(1).map((request) => request.grantType)).toEqual([
      'refresh_token',
      'api_key',
    ]);
    expect(events.of('grant.fallback')).toHaveLength(1);
  });

  test('whose API key is refused as well is for a human', async () => {
    const { manager, provider } = await expiredLogin({ apiKey: API_KEY });
    provider.next({ refuse: invalidGrant() }, { refuse: invalidGrant() });

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
  });

  test('is followed by another look at the cache: the token of a process that rotated it is adopted', async () => {
    const { manager, provider, clock, cache, stored } = await expiredLogin();
    provider.latencyMs = 100;
    const ours = (await stored()).refreshToken?.secret;
    const token = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(50);
    const theirs = provider.useElsewhere(ours!);
    const [key] = await cache.listGrants();
    await cache.updateGrant(key!, (record) => ({
      tokens: new Map([['monitoring', theirs.token]]),
      unexplainedRequestsAtMs: record?.unexplainedRequestsAtMs ?? [],
      refreshToken: { secret: theirs.refreshToken!, scopes: ['monitoring'], issuedAtMs: clock.nowMs() },
    }));
    await clock.advance(100);

    expect(await token).toMatchObject({ fingerprint: theirs.token.fingerprint });
    expect((await stored()).refreshToken?.secret).toBe(theirs.refreshToken);
  });

  test('is followed by another try when the cache has a newer refresh token and no token', async () => {
    const { manager, provider, clock, cache, stored } = await expiredLogin();
    provider.latencyMs = 100;
    provider.next({ latencyMs: 100, refuse: invalidGrant('expired') });
    const token = manager.getValidToken('monitoring');
    await clock.advance(50);
    const newer = provider.login('monitoring');
    const [key] = await cache.listGrants();
    await cache.updateGrant(key!, (record) => ({
      ...record!,
      refreshToken: { secret: newer, scopes: ['monitoring'], issuedAtMs: clock.nowMs() },
    }));
    await clock.advance(200);

    expect((await token).reveal()).toBe('access-token-2');
    expect((await stored()).refreshToken).toBeDefined();
  });
});

describe('a refresh token that is refused without any lost answer', () => {
  test('as reused is a security event, and every token of the profile is cleared', async () => {
    const { manager, provider, stored, events } = await expiredLogin();
    provider.useElsewhere((await stored()).refreshToken!.secret);

    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
    });
    expect(events.of('security.event').map((event) => event.reason)).toEqual(['refresh-token-reused']);
    expect((await stored()).tokens.size).toBe(0);
    expect(await stored()).not.toHaveProperty('refreshToken');
  });

  test('as reused after the service asked to come back later is a security event as well', async () => {
    const { manager, provider, clock, stored, events } = await expiredLogin();
    provider.next({ refuse: overloaded({ retryAfterMs: 1_000 }) });
    provider.useElsewhere((await stored()).refreshToken!.secret);
    const refused = outcomeOf(manager.getValidToken('monitoring'));
    await clock.advance(1_000);

    expect(await refused).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(events.of('security.event').map((event) => event.reason)).toEqual(['refresh-token-reused']);
  });

  test('as revoked is a security event, too, and the API key wins a fresh grant', async () => {
    const { manager, provider, stored, events } = await expiredLogin({ apiKey: API_KEY });
    provider.revokeLogin((await stored()).refreshToken!.secret);

    expect((await manager.getValidToken('monitoring')).reveal()).toBe('access-token-2');
    expect(events.of('security.event').map((event) => event.reason)).toEqual(['refresh-token-revoked']);
  });

  test('as merely expired is none', async () => {
    const { manager, provider, events } = await expiredLogin();
    provider.next({ refuse: invalidGrant('the refresh token has expired') });
    await outcomeOf(manager.getValidToken('monitoring'));

    expect(events.of('security.event')).toEqual([]);
  });

  test('is not asked for again by the next caller', async () => {
    const { manager, provider, events } = await expiredLogin();
    provider.next({ refuse: invalidGrant('revoked') });
    await outcomeOf(manager.getValidToken('monitoring'));
    const second = await outcomeOf(manager.getValidToken('monitoring'));

    expect(second).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(provider.calls).toBe(2);
    expect(events.of('security.event')).toHaveLength(1);
  });

  test('clears the tokens of other scopes in memory as well', async () => {
    const { manager, provider, stored } = await setup({ login: ['a', 'b'] });
    await manager.getValidToken('a');
    await manager.getValidToken('b');
    provider.revokeLogin((await stored()).refreshToken!.secret);
    await outcomeOf(manager.forceRefresh('b'));

    expect(await outcomeOf(manager.getValidToken('a'))).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  });
});

describe('configuration errors', () => {
  test.each([
    ['refresh token', { login: ['monitoring'] as const }],
    ['refresh token beside an API key', { login: ['monitoring'] as const, apiKey: API_KEY }],
    ['API key', {}],
  ])('with a %s are not tried again, clear nothing, and say what to fix', async (_, options) => {
    const { manager, provider, clock, stored } = await setup(options);
    await manager.getValidToken('monitoring');
    await clock.advance(HOUR);
    const before = await stored();
    provider.always({ refuse: invalidClient() });
    const outcome = await outcomeOf(manager.getValidToken('monitoring'));

    expect(outcome).toMatchObject({ code: 'KM_AUTH_CONFIGURATION', isRetryable: false });
    expect(String(outcome)).toContain('check the endpoint');
    expect(provider.calls).toBe(2);
    expect((await stored()).refreshToken).toEqual(before.refreshToken);
    expect((await stored()).tokens).toEqual(before.tokens);
  });
});
