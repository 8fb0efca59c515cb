import { describe, expect, test } from 'vitest';
import { TokenRequestError, type Revocation, type TokenProvider } from '../src/index.js';
import { offline } from './support/failures.js';
import { DISK_FULL, fragileSetup, mend } from './support/fragile-cache.js';
import { API_KEY, LOGGED_IN, outcomeOf, setup } from './support/setup.js';
import { ACCESS_1, isOver, loggedIn, REFRESH_2 } from './support/revoked.js';

// What becomes of a revocation of which the issuer, or the cache, takes no notice.

const untold = (revocation: Revocation): readonly string[] =>
  revocation.untold.map(({ kind, token, error }) => `${kind} ${token.reveal()} ${error.code}`);

describe('an issuer that cannot be told', () => {
  test('is asked once; the tokens are gone all the same, and the next revocation tells it', async () => {
    const { manager, another, provider, stored } = await loggedIn();
    let asked = 0;
    provider.refusesToEnd = () => {
      asked += 1;
      return offline();
    };
    const revocation = await manager.revoke();

    expect(asked).toBe(1);
    expect(untold(revocation)).toEqual([
      `${REFRESH_2} KM_AUTH_UNREACHABLE`,
      `${ACCESS_1} KM_AUTH_UNREACHABLE`,
    ]);
    expect(await isOver(another())).toBe(true);

    provider.refusesToEnd = () => undefined;
    expect(await another().revoke()).toEqual({ ended: 2, untold: [], isCleared: true });
    expect(provider.ended).toEqual([REFRESH_2, ACCESS_1]);
    expect(await stored()).not.toHaveProperty('leftOver');
  });

  test('is told of the others where it refuses one for good, which is not kept', async () => {
    const { manager, provider, stored } = await loggedIn();
    provider.refusesToEnd = ({ kind }) =>
      kind === 'refresh_token' ? new TokenRequestError('KM_AUTH_CONFIGURATION', 'no', {}) : undefined;

    expect(untold(await manager.revoke())).toEqual([`${REFRESH_2} KM_AUTH_CONFIGURATION`]);
    expect(provider.ended).toEqual([ACCESS_1]);
    expect(await stored()).not.toHaveProperty('leftOver');
  });

  test.each([
    ['with its login, is ended', undefined, []],
    ['but its login was not ended either, is not', 'refresh_token', [REFRESH_2, ACCESS_1]],
  ])('because it ends no access tokens %s', async (_, refused, expected) => {
    const { manager, provider } = await loggedIn();
    const unsupported = { oauthError: 'unsupported_token_type' };
    provider.refusesToEnd = ({ kind }) =>
      kind === 'access_token' || kind === refused
        ? new TokenRequestError('KM_AUTH_CONFIGURATION', 'no', unsupported)
        : undefined;

    expect(untold(await manager.revoke())).toEqual(expected.map((each) => `${each} KM_AUTH_CONFIGURATION`));
  });

  test('because its provider has no way to, is told of as that', async () => {
    const { another, provider } = await loggedIn();
    const mute: TokenProvider = { requestToken: (request) => provider.requestToken(request) };

    expect(untold(await another({ provider: mute }).revoke())).toEqual([
      `${REFRESH_2} KM_AUTH_CONFIGURATION`,
      `${ACCESS_1} KM_AUTH_CONFIGURATION`,
    ]);
  });

  test('because its provider fails in a way of its own, may be told later', async () => {
    const { manager, provider } = await loggedIn();
    provider.refusesToEnd = () => new TypeError('fetch failed');

    const [first] = (await manager.revoke()).untold;
    expect(first?.error).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', isRetryable: true });
  });

  test('is told of what was taken by a process that was killed before it could, when it is revoked again', async () => {
    const { another, cache, stored } = await loggedIn();
    const meanwhile: string[] = [];
    const provider: TokenProvider = {
      requestToken: () => Promise.reject(offline()),
      revoke: async () => {
        const { leftOver = [] } = (await cache.getGrant(LOGGED_IN)) ?? {};
        meanwhile.push(leftOver.map(({ kind, token }) => `${kind} ${token.reveal()}`).join());
      },
    };
    await another({ provider }).revoke();

    expect(meanwhile).toEqual([`${REFRESH_2},${ACCESS_1}`, `${REFRESH_2},${ACCESS_1}`]);
    expect(await stored()).not.toHaveProperty('leftOver');
  });
});

describe('a cache', () => {
  test('that cannot be read ends nothing, and says so', async () => {
    const { manager, provider, cache } = await fragileSetup();
    await manager.getValidToken('monitoring');
    cache.broken.read = DISK_FULL;

    expect(await outcomeOf(manager.revoke())).toMatchObject({ code: 'KM_AUTH_CACHE' });
    expect(provider.ended).toEqual([]);
  });

  test('that cannot be written is cleared once it can; until then this process uses none of it', async () => {
    const { manager, provider, cache, shared } = await fragileSetup();
    await manager.getValidToken('monitoring');
    Object.assign(cache.broken, { write: DISK_FULL, lock: DISK_FULL });
    const revocation = await manager.revoke();

    expect(revocation).toEqual({ ended: 2, untold: [], isCleared: false });
    expect(provider.ended).toEqual([REFRESH_2, ACCESS_1]);
    expect(await isOver(manager)).toBe(true);
    expect((await shared.getGrant(LOGGED_IN))?.refreshToken).toBeDefined();

    mend(cache);
    await manager.stop();
    expect(await shared.getGrant(LOGGED_IN)).toEqual({
      tokens: new Map(),
      unexplainedRequestsAtMs: [],
      endedAtMs: expect.any(Number) as number,
    });
  });

  test('that could not be written keeps a login that somebody has made since', async () => {
    const { manager, provider, cache, shared, clock } = await fragileSetup();
    await manager.getValidToken('monitoring');
    Object.assign(cache.broken, { write: DISK_FULL, lock: DISK_FULL });
    await manager.revoke();
    const secret = provider.login('monitoring');
    await shared.updateGrant(LOGGED_IN, () => ({
      tokens: new Map(),
      unexplainedRequestsAtMs: [],
      refreshToken: { secret, scopes: ['monitoring'], issuedAtMs: clock.nowMs() },
    }));
    mend(cache);
    await manager.stop();

    const record = await shared.getGrant(LOGGED_IN);
    expect(record?.refreshToken?.secret).toBe(secret);
    expect(record).not.toHaveProperty('endedAtMs');
  });
});

test('an API key that is revoked offline goes on to win tokens, and loses none of what is still to be told', async () => {
  const { manager, provider, stored } = await setup({ apiKey: API_KEY });
  await manager.getValidToken('monitoring');
  provider.refusesToEnd = () => offline();
  await manager.revoke();
  await manager.getValidToken('monitoring');
  expect((await stored()).leftOver).toHaveLength(2);

  provider.refusesToEnd = () => undefined;
  await manager.revoke();
  expect(provider.ended).toEqual([
    'refresh_token refresh-token-2',
    'refresh_token refresh-token-1',
    'access_token access-token-2',
    'access_token access-token-1',
  ]);
});
