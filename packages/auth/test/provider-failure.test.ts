import { expect, test } from 'vitest';
import {
  AuthError,
  AuthToken,
  createAuthManager,
  Secret,
  TokenRequestError,
  type TokenProvider,
} from '../src/index.js';
import { expiredLogin, outcomeOf, setup } from './support/setup.js';

/** A login that a provider of somebody else's is to renew, and that fails with `error`. */
async function renewedBy(error: unknown) {
  const world = await expiredLogin({ maxRetries: 0 });
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- providers may throw anything
  const provider: TokenProvider = { requestToken: () => Promise.reject(error) };
  return { ...world, manager: world.another({ provider }) };
}

test('a provider that fails in a way of its own may have been heard: the refresh token counts as sent', async () => {
  const cause = new TypeError('undefined is not a function');
  const { manager, stored } = await renewedBy(cause);
  expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: 'the token provider failed (TypeError): see the cause, or try again later',
    cause,
    failure: { isAnswerLost: true },
  });
  const { refreshToken, sentRefresh } = await stored();
  expect(sentRefresh?.fingerprint).toBe(refreshToken?.secret.fingerprint);
});

test('a provider that throws no error at all is told by the type of what it threw', async () => {
  const { manager } = await renewedBy('no reason');
  expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({
    message: 'the token provider failed (string): see the cause, or try again later',
  });
});

test('a provider that does not tell whether it was heard may have been: the refresh token counts as sent', async () => {
  const { manager, stored } = await renewedBy(new TokenRequestError('KM_AUTH_UNREACHABLE', 'no', {}));
  await outcomeOf(manager.getValidToken('monitoring'));
  expect(await stored()).toHaveProperty('sentRefresh');
});

test('a refusal that tells its status takes back that the refresh token was sent', async () => {
  const { manager, stored } = await renewedBy(
    new TokenRequestError('KM_AUTH_UNREACHABLE', 'busy', { status: 429 }),
  );
  await outcomeOf(manager.getValidToken('monitoring'));
  expect(await stored()).not.toHaveProperty('sentRefresh');
});

test.each(['KM_AUTH_CONFIGURATION', 'KM_AUTH_INVALID_OPTION', 'KM_AUTH_INSECURE_ENDPOINT'] as const)(
  'a provider that cannot ask because of how it is set up (%s) has sent nothing, and no answer is lost',
  async (code) => {
    const { manager, another, provider, stored } = await renewedBy(new AuthError(code, 'see the settings'));
    expect(await outcomeOf(manager.getValidToken('monitoring'))).toMatchObject({ code });
    const { refreshToken, sentRefresh, unexplainedRequestsAtMs } = await stored();
    expect([sentRefresh, unexplainedRequestsAtMs]).toEqual([undefined, []]);

    provider.revokeLogin(refreshToken!.secret);
    const outcome = await outcomeOf(another().getValidToken('monitoring'));
    expect(outcome).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect(String(outcome)).not.toContain('lost');
  },
);

test('an answer of which a provider can make no token was sent for: the refresh token counts as sent, and the request for the brake', async () => {
  const world = await expiredLogin({ maxRetries: 0 });
  const provider: TokenProvider = {
    requestToken: () =>
      Promise.resolve().then(() => ({
        token: new AuthToken({ value: 'a', scopes: [], issuedAtMs: Number.NaN, expiresAtMs: 1 }),
      })),
  };
  const outcome = await outcomeOf(world.another({ provider }).getValidToken('monitoring'));
  expect(outcome).toMatchObject({ code: 'KM_AUTH_INVALID_OPTION', failure: { isAnswerLost: true } });
  const { refreshToken, sentRefresh, unexplainedRequestsAtMs, requestUnderWayAtMs } = await world.stored();
  expect(sentRefresh?.fingerprint).toBe(refreshToken?.secret.fingerprint);
  expect(unexplainedRequestsAtMs.length + (requestUnderWayAtMs === undefined ? 0 : 1)).toBe(1);
});

test('a provider that does not look when its token ends costs no login: each refresh token is sent once', async () => {
  const { another, clock } = await expiredLogin({ maxRetries: 0 });
  const sent: string[] = [];
  const provider: TokenProvider = {
    requestToken: (request) => {
      if (request.grantType === 'refresh_token') sent.push(request.refreshToken.reveal());
      const issuedAtMs = clock.nowMs();
      const value = `token-${String(sent.length)}`;
      return Promise.resolve({
        token: new AuthToken({ value, scopes: [], issuedAtMs, expiresAtMs: Number.NaN }),
        refreshToken: new Secret(`refresh-${String(sent.length)}`),
      });
    },
  };
  const manager = another({ provider });
  for (const expected of ['token-1', 'token-2']) {
    expect((await manager.getValidToken('monitoring')).reveal()).toBe(expected);
    expect((await another({ provider }).getValidToken('monitoring')).reveal()).toBe(expected);
    await clock.advance(300_000);
  }
  expect(new Set(sent).size).toBe(sent.length);
});

test('a provider that fails with another error of the library may have been heard', async () => {
  const { manager, stored } = await renewedBy(new AuthError('KM_AUTH_ABORTED', 'it took too long'));
  await outcomeOf(manager.getValidToken('monitoring'));
  expect(await stored()).toHaveProperty('sentRefresh');
});

test('a refusal takes nothing back when an earlier answer for the same refresh token was lost', async () => {
  const { manager, another, stored } = await renewedBy(
    new TokenRequestError('KM_AUTH_UNREACHABLE', 'hang up', { isAnswerLost: true }),
  );
  await outcomeOf(manager.getValidToken('monitoring'));
  const refused: TokenProvider = {
    requestToken: () => Promise.reject(new TokenRequestError('KM_AUTH_UNREACHABLE', 'busy', { status: 429 })),
  };
  await outcomeOf(another({ provider: refused }).getValidToken('monitoring'));
  expect(await stored()).toHaveProperty('sentRefresh');
});

test('an error of the library that a provider throws comes as it is', async () => {
  const error = new AuthError('KM_AUTH_INSECURE_ENDPOINT', 'use https');
  const provider: TokenProvider = { requestToken: () => Promise.reject(error) };
  const manager = createAuthManager({ apiKey: 'km_live_1', provider });
  expect(await outcomeOf(manager.getValidToken('a'))).toBe(error);
});

test('a try that may have been heard is told to nobody as one that was not: it counts for the storm brake', async () => {
  const { manager, provider, stored } = await setup({ maxRetries: 0 });
  provider.next({ refuse: new TokenRequestError('KM_AUTH_UNREACHABLE', 'hang up', { isAnswerLost: true }) });
  await outcomeOf(manager.getValidToken('a'));
  expect((await stored()).unexplainedRequestsAtMs).toHaveLength(1);
  provider.next({ refuse: new TokenRequestError('KM_AUTH_UNREACHABLE', 'refused', { isAnswerLost: false }) });
  await outcomeOf(manager.getValidToken('a'));
  expect((await stored()).unexplainedRequestsAtMs).toHaveLength(1);
});
