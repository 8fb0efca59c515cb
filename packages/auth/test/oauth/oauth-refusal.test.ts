import { describe, expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  Secret,
  storeLogin,
  type TokenRequestError,
} from '../../src/index.js';
import { explainOAuthError } from '../../src/providers/oauth/oauth-refusal.js';
import { fakeClock } from '../support/fake-clock.js';
import { drop } from '../support/http-server.js';
import { HOUR, outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';
import { minting } from './minting.js';

/** How a refresh that is answered so ends. */
async function refusedWith(...answer: Parameters<typeof json>): Promise<TokenRequestError> {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', () => json(...answer));
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli' });
  const refreshToken = new Secret('refresh-secret-1');
  return (await outcomeOf(
    provider.requestToken({ grantType: 'refresh_token', refreshToken }),
  )) as TokenRequestError;
}

test.each([
  [400, 'invalid_grant', 'KM_AUTH_GRANT_REJECTED', 'log in again'],
  // Auth0's way; the error says what it is, whichever status of a refusal it came with.
  [403, 'invalid_grant', 'KM_AUTH_GRANT_REJECTED', 'log in again'],
  [404, 'invalid_grant', 'KM_AUTH_GRANT_REJECTED', 'log in again'],
  [400, 'invalid_scope', 'KM_AUTH_INVALID_SCOPE', 'log in with the scope'],
  [401, 'invalid_client', 'KM_AUTH_CONFIGURATION', 'check the client id'],
  [400, 'unauthorized_client', 'KM_AUTH_CONFIGURATION', 'allow the grant'],
  [400, 'unsupported_grant_type', 'KM_AUTH_CONFIGURATION', 'another grant'],
  [400, 'invalid_target', 'KM_AUTH_CONFIGURATION', 'resource'],
  [400, 'interaction_required', 'KM_AUTH_LOGIN_REQUIRED', 'log in again'],
  [400, 'login_required', 'KM_AUTH_LOGIN_REQUIRED', 'log in again'],
  [400, 'consent_required', 'KM_AUTH_LOGIN_REQUIRED', 'log in again'],
  [400, 'temporarily_unavailable', 'KM_AUTH_UNREACHABLE', 'try again later'],
  [503, 'invalid_grant', 'KM_AUTH_UNREACHABLE', 'try again later'],
  [429, 'slow_down', 'KM_AUTH_UNREACHABLE', 'try again later'],
  [403, 'access_denied', 'KM_AUTH_LOGIN_REQUIRED', 'said no'],
  [400, 'something_else', 'KM_AUTH_CONFIGURATION', "check the client's settings"],
  // GitHub's way: an error with a 200, by a name of its own.
  [200, 'bad_refresh_token', 'KM_AUTH_GRANT_REJECTED', 'log in again'],
  [200, 'incorrect_client_credentials', 'KM_AUTH_CONFIGURATION', 'check the client id'],
])('%d with %s is %s, and the message says: %s', async (status, error, code, next) => {
  const failure = await refusedWith({ error, error_description: 'in its own words' }, status);

  expect(failure.code).toBe(code);
  expect(failure.message).toContain(`${error} (in its own words)`);
  expect(failure.message).toContain(next);
  expect(failure.failure).toMatchObject({ oauthError: error, oauthErrorDescription: 'in its own words' });
});

test.each([400, 403])(
  'a login whose refresh token is refused with %d is over, and says what to run',
  async (status) => {
    const issuer = await startFakeIssuer();
    issuer.replies.set('/token', () => json({ error: 'invalid_grant' }, status));
    const clock = fakeClock();
    const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli', clock });
    const cache = createMemoryCache({ clock });
    const token = new AuthToken({
      value: 'a',
      scopes: [],
      issuedAtMs: clock.nowMs(),
      expiresAtMs: clock.nowMs() + 1_000,
    });
    const grant = { token, refreshToken: new Secret('refresh-1') };
    const key = await storeLogin({ id: 'login-1', grant, askedScopes: [] }, { provider, cache });
    const manager = createAuthManager({
      provider,
      cache,
      clock,
      loginId: 'login-1',
      loginCommand: () => 'acme in',
    });
    clock.jumpWall(HOUR);

    const error = await outcomeOf(manager.getValidToken());

    expect(error).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
    expect((error as Error).message).toContain('run `acme in`');
    expect(await cache.getGrant(key)).not.toHaveProperty('refreshToken');
  },
);

test('what a server wrote is cut, and free of control characters and of what was sent', async () => {
  const failure = await refusedWith(
    {
      error: 'invalid_grant',
      error_description: `\u001b[31mbad\u0007\n refresh-secret-1 ${'x'.repeat(5_000)}`,
    },
    400,
  );

  expect(failure.message).toMatch(/^[\x20-\x7e…]*$/);
  expect(failure.message).not.toContain('refresh-secret-1');
  expect(failure.message.length).toBeLessThan(600);
});

test('a redirect of a token request is not followed', async () => {
  const issuer = await startFakeIssuer();
  const other = await startFakeIssuer();
  issuer.replies.set('/token', () => ({ status: 307, headers: { location: `${other.origin}/token` } }));
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli' });

  const error = await outcomeOf(
    provider.requestToken({ grantType: 'refresh_token', refreshToken: new Secret('r') }),
  );

  expect(error).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
  expect((error as Error).message).toContain('sends elsewhere');
  expect(other.received).toEqual([]);
});

test('a refresh token whose answer was lost is told from one that was never sent', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', () => drop);
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli' });
  const refresh = { grantType: 'refresh_token', refreshToken: new Secret('r') } as const;

  expect(await outcomeOf(provider.requestToken(refresh))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    failure: { isAnswerLost: true },
  });
  await issuer[Symbol.asyncDispose]();
  expect(await outcomeOf(provider.requestToken(refresh))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    failure: { isAnswerLost: false },
  });
});

test('every error of RFC 6749, RFC 8628, RFC 8707 and RFC 9449 has words', () => {
  const errors = [
    ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client'],
    ...['unsupported_grant_type', 'invalid_scope', 'access_denied', 'unsupported_response_type'],
    ...['server_error', 'temporarily_unavailable', 'expired_token', 'invalid_target'],
    ...['invalid_dpop_proof', 'use_dpop_nonce'],
  ];

  for (const error of errors) expect(explainOAuthError(error), error).toMatch(/^.{10,}; .{5,}$/);
  expect(explainOAuthError('no_such_error')).toBeUndefined();
});

describe('a refresh for one scope of a login that is refused as invalid_grant', () => {
  /** How it ends, and what is left of the login. */
  async function refused(body: object, scope = 'read') {
    const issuer = await startFakeIssuer();
    issuer.replies.set('/token', () => json(body, 400));
    const clock = fakeClock();
    const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli', clock });
    const cache = createMemoryCache({ clock });
    const token = new AuthToken({
      ...{ value: 'a', scopes: ['read', 'write'], issuedAtMs: clock.nowMs() },
      expiresAtMs: clock.nowMs() + 1_000,
    });
    const grant = { token, refreshToken: new Secret('refresh-secret-1') };
    const login = { id: '1', grant, askedScopes: ['read', 'write'] };
    const key = await storeLogin(login, { provider, cache });
    await clock.advance(2_000);
    const manager = createAuthManager({
      ...{ provider, cache, clock, loginId: '1', maxRetries: 0 },
      loginCommand: (scopes) => ['acme sign-in', ...scopes].join(' '),
    });
    const error = await outcomeOf(manager.getValidToken(scope));
    return { error, record: await cache.getGrant(key) };
  }

  test.each([
    'basic_action',
    'additional_action',
    'message_only',
    'user_password_expired',
    'consent_required',
  ])('with suberror %s says which login to run, and the login stays', async (suberror) => {
    const { error, record } = await refused({ error: 'invalid_grant', suberror });
    expect(error).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: expect.stringMatching(
        /invalid_grant; the user has to do more .*; run `acme sign-in read write`$/,
      ) as string,
    });
    expect(record?.refreshToken?.secret.reveal()).toBe('refresh-secret-1');
    expect(record?.lastFailure, 'the login itself is well').toBeUndefined();
  });

  test.each([
    ['with suberror bad_token', { suberror: 'bad_token' }, 'read'],
    ['with suberror token_expired', { suberror: 'token_expired' }, 'read'],
    ['without suberror', {}, 'read'],
    ['with any suberror, of all that the login serves', { suberror: 'basic_action' }, 'default'],
  ])('%s: the refresh token is gone', async (_what, more, scope) => {
    const { error, record } = await refused({ error: 'invalid_grant', ...more }, scope);
    expect(error).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: expect.stringContaining('the login is over') as string,
    });
    expect(record?.refreshToken).toBeUndefined();
  });
});

test.each(['interaction_required', 'login_required', 'consent_required', 'access_denied'])(
  'a refresh that is refused with %s says what to run',
  async (error) => {
    const issuer = await startFakeIssuer();
    issuer.replies.set('/token', () => json({ error }, 400));
    const clock = fakeClock();
    const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli', clock });
    const cache = createMemoryCache({ clock });
    const token = new AuthToken({
      ...{ value: 'a', scopes: [], issuedAtMs: clock.nowMs() },
      expiresAtMs: clock.nowMs() + 1_000,
    });
    const grant = { token, refreshToken: new Secret('refresh-secret-1') };
    await storeLogin({ id: '1', grant, askedScopes: [] }, { provider, cache });
    await clock.advance(2_000);
    const manager = createAuthManager({ provider, cache, clock, loginId: '1', loginCommand: 'acme sign-in' });
    expect(await outcomeOf(manager.getValidToken())).toMatchObject({
      code: 'KM_AUTH_LOGIN_REQUIRED',
      message: expect.stringMatching(/; run `acme sign-in`$/) as string,
      cause: { failure: { oauthError: error } },
    });
  },
);

test('what mints tokens and is refused with access_denied says what to run as well', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', () => json({ error: 'access_denied' }, 400));
  const clock = fakeClock();
  const manager = createAuthManager({
    provider: minting({ issuer: issuer.origin, clock }),
    ...{ cache: createMemoryCache({ clock }), clock, loginCommand: 'acme sign-in' },
  });
  expect(await outcomeOf(manager.getValidToken())).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: expect.stringMatching(/; or run `acme sign-in`$/) as string,
  });
});
