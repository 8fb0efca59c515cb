import { describe, expect, test } from 'vitest';
import { invalidClient, invalidGrant } from './support/failures.js';
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
