import { describe, expect, test } from 'vitest';
import { HOUR, LOGGED_IN, outcomeOf, setup } from './support/setup.js';
import { ACCESS_1, isOver, loggedIn, REFRESH_2 } from './support/revoked.js';

describe('revoke()', () => {
  test('ends a login here and at its issuer, the refresh token first', async () => {
    const { manager, another, provider, stored } = await loggedIn();
    const revocation = await manager.revoke();

    expect(revocation).toEqual({ ended: 2, untold: [], isCleared: true });
    expect(provider.ended).toEqual([REFRESH_2, ACCESS_1]);
    expect(await stored()).toEqual({
      tokens: new Map(),
      unexplainedRequestsAtMs: [],
      endedAtMs: expect.any(Number) as number,
    });
    expect(await isOver(manager)).toBe(true);
    expect(await isOver(another())).toBe(true);
    expect(provider.calls).toBe(1);
  });

  test('leaves the API key, which wins other tokens', async () => {
    const { manager, provider, stored } = await setup();
    const before = await manager.getValidToken('monitoring');
    await manager.revoke();
    const after = await manager.getValidToken('monitoring');

    expect(after.fingerprint).not.toBe(before.fingerprint);
    expect(provider.requests.at(-1)?.grantType).toBe('api_key');
    expect(await stored()).not.toHaveProperty('endedAtMs');
  });

  test('tells what was revoked, once each', async () => {
    const { manager, events } = await loggedIn();
    const older = await manager.getValidToken('monitoring');
    const newer = await manager.getValidToken('plugins');
    await manager.revoke();
    await manager.revoke();

    expect(events.of('token.revoked').map(({ scope, token }) => [scope, token])).toEqual([
      ['monitoring', newer.fingerprint],
      ['plugins', newer.fingerprint],
      // The one before is good as well, and in memory.
      ['monitoring', older.fingerprint],
    ]);
    expect(events.of('grant.cleared')).toHaveLength(1);
    expect(events.of('security.event')).toEqual([]);
  });

  test('ends a token, too, that only this process has', async () => {
    const { manager, provider, cache } = await loggedIn();
    await cache.updateGrant(LOGGED_IN, () => undefined);
    const revocation = await manager.revoke();

    expect(revocation.ended).toBe(1);
    expect(provider.ended).toEqual([ACCESS_1]);
    expect(await isOver(manager)).toBe(true);
  });

  test('does nothing where there is nothing, and stores nothing', async () => {
    const { manager, provider, cache } = await setup();
    expect(await manager.revoke()).toEqual({ ended: 0, untold: [], isCleared: true });
    expect(provider.ended).toEqual([]);
    expect(await cache.listGrants()).toEqual([]);
  });

  test('ends a refresh token that was given, and is not used yet', async () => {
    const { another, provider } = await setup({ login: [] });
    const manager = another({ refreshToken: provider.login('monitoring') });
    await manager.revoke();

    expect(provider.ended).toEqual([REFRESH_2]);
    expect(await isOver(manager)).toBe(true);
    expect(provider.calls).toBe(0);
  });

  test('waits for a refresh under way, and ends what that brings', async () => {
    const { manager, another, provider, clock } = await loggedIn();
    await clock.advance(HOUR);
    provider.latencyMs = 100;
    const token = outcomeOf(another().getValidToken('monitoring'));
    await clock.advance(50);
    const revocation = manager.revoke();
    await clock.advance(50);
    await token;

    expect((await revocation).ended).toBeGreaterThanOrEqual(2);
    expect(provider.ended).toEqual(
      expect.arrayContaining(['refresh_token refresh-token-3', 'access_token access-token-2']),
    );
    expect(await isOver(another())).toBe(true);
  });
});

describe('revoke(scope)', () => {
  test('ends the token of that scope only; the login wins another', async () => {
    const { manager, provider, stored } = await setup();
    await manager.getValidToken('a');
    const other = await manager.getValidToken('b');
    const revocation = await manager.revoke('a');

    expect(revocation).toEqual({ ended: 1, untold: [], isCleared: true });
    expect(provider.ended).toEqual([ACCESS_1]);
    expect([...(await stored()).tokens.keys()]).toEqual(['b']);
    expect((await stored()).refreshToken).toBeDefined();
    expect(await manager.getValidToken('b')).toBe(other);
    expect((await manager.getValidToken('a')).reveal()).not.toBe('access-token-1');
  });

  test('ends what else that token serves', async () => {
    const { manager, provider, clock } = await loggedIn();
    await manager.getValidToken('plugins');
    await clock.advance(HOUR);
    // One refresh renews both.
    const shared = await manager.getValidToken('monitoring');
    expect((await manager.getValidToken('plugins')).fingerprint).toBe(shared.fingerprint);
    await manager.revoke('monitoring');

    expect(provider.ended).toEqual([`access_token ${shared.reveal()}`]);
    expect((await manager.getValidToken('plugins')).fingerprint).not.toBe(shared.fingerprint);
  });

  test('refuses what is no scope', async () => {
    const { manager } = await setup();
    expect(await outcomeOf(manager.revoke('a"b'))).toMatchObject({ code: 'KM_AUTH_INVALID_OPTION' });
  });
});
