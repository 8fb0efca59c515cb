import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { expect, test } from 'vitest';
import { FREE_KEY, PRO_KEY, testApi, type Tokens } from './harness.js';

/** A character more than a credential may have. */
const LONG = `km_pro_${'x'.repeat(4_090)}`;

test('an API key wins a token, a refresh token and the scopes that were asked for', async () => {
  const api = testApi({ tokenTtlMs: 5_000 });
  const answer = await api.post('/api/auth/token', {
    grant_type: 'api_key',
    api_key: PRO_KEY,
    scope: ['monitoring', 'plugins'],
  });

  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('pragma')).toBe('no-cache');
  expect(await answer.json()).toEqual({
    access_token: expect.any(String) as string,
    token_type: 'Bearer',
    expires_in: 5,
    refresh_token: expect.any(String) as string,
    scope: ['monitoring', 'plugins'],
  });
});

test('a JWT says who, what tier, which scopes and how long, and is verified with the published key', async () => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const { access_token: token } = await api.login(['monitoring', 'plugins']);
  const jwks = (await (await api.get('/.well-known/jwks.json')).json()) as JSONWebKeySet;

  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    currentDate: new Date(api.clock.now()),
  });
  const nowSeconds = api.clock.now() / 1_000;
  expect(payload).toEqual({
    iss: 'http://localhost',
    sub: expect.stringMatching(/^acct_[0-9a-f]{8}$/) as string,
    tier: 'pro',
    scope: 'monitoring plugins',
    iat: nowSeconds,
    exp: nowSeconds + 60,
    jti: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
  });
  expect(decodeProtectedHeader(token).alg).toBe('ES256');
  expect(jwks.keys[0]).not.toHaveProperty('d');
});

test.each(['jwt', 'opaque'] as const)(
  'a token (%s) lives for as long as the answer says, whatever the part of a second it was made in',
  async (tokenFormat) => {
    const api = testApi({ tokenTtlMs: 2_000, tokenFormat });
    api.clock.advance(999);
    const { access_token: token, expires_in: seconds } = await api.login();
    expect(seconds).toBe(2);
    api.clock.advance(1_999);
    expect((await api.get('/api/auth/validate', token)).status).toBe(200);
    api.clock.advance(1_001);
    expect((await api.get('/api/auth/validate', token)).status).toBe(401);
  },
);

test.each([0, 1, 500, 999])(
  'the exp of a JWT that was made %i ms into a second is the moment it ends at the API',
  async (ms) => {
    const api = testApi({ tokenTtlMs: 2_000 });
    api.clock.advance(ms);
    const { access_token: token } = await api.login();
    const { exp = 0 } = decodeJwt(token);
    api.clock.advance(exp * 1_000 - 1 - api.clock.now());
    expect((await api.get('/api/auth/validate', token)).status).toBe(200);
    api.clock.advance(1);
    expect((await api.get('/api/auth/validate', token)).status).toBe(401);
  },
);

test('opaque tokens work as JWTs do, and are none', async () => {
  const api = testApi({ tokenFormat: 'opaque' });
  const { access_token: token } = await api.login();
  expect(token).not.toContain('.');
  expect((await api.get('/api/auth/validate', token)).status).toBe(200);
});

test.each([
  ['a list', ['monitoring', 'plugins'], ['monitoring', 'plugins']],
  ['one text', 'plugins monitoring', ['plugins', 'monitoring']],
  ['a list with a text of two', ['monitoring plugins'], ['monitoring', 'plugins']],
  ['one twice', ['monitoring', 'monitoring'], ['monitoring']],
  ['an empty list', [], ['default']],
])('scopes may come as %s', async (_name, asked, granted) => {
  expect((await testApi().login(asked)).scope).toEqual(granted);
});

test('with no scope asked for, the token is for the default scope', async () => {
  const answer = await testApi().post('/api/auth/token', { grant_type: 'api_key', api_key: PRO_KEY });
  expect(await answer.json()).toMatchObject({ scope: ['default'] });
});

test.each([
  ['km_free_x', 'free'],
  ['km_live_x', 'pro'],
  ['km_pro_x', 'pro'],
  ['km_ent_x', 'enterprise'],
])('the tier of %s is %s', async (key, tier) => {
  const api = testApi({ apiKeys: [key] });
  const { access_token: token } = await api.login([], key);
  expect(await (await api.get('/api/user/features', token)).json()).toMatchObject({ tier });
});

test('client credentials win a token, and no refresh token', async () => {
  const api = testApi({ clients: [{ clientId: 'ci', clientSecret: 's3cret', tier: 'enterprise' }] });
  const request = {
    grant_type: 'client_credentials',
    client_id: 'ci',
    client_secret: 's3cret',
    scope: ['plugins'],
  };
  const tokens = (await (await api.post('/api/auth/token', request)).json()) as Tokens;
  expect(tokens.scope).toEqual(['plugins']);
  expect(tokens).not.toHaveProperty('refresh_token');

  const refused = await api.post('/api/auth/token', { ...request, client_secret: 'wrong' });
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ error: 'invalid_client' });
});

test('logins get no refresh token where the API gives out none', async () => {
  expect(await testApi({ issueRefreshTokens: false }).login()).not.toHaveProperty('refresh_token');
});

test.each([
  ['an unknown API key', { grant_type: 'api_key', api_key: 'km_pro_no' }, 401, 'invalid_client'],
  ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'no' }, 400, 'invalid_grant'],
  ['an unknown scope', { grant_type: 'api_key', api_key: PRO_KEY, scope: ['all'] }, 400, 'invalid_scope'],
  ['an unknown grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['no grant type', { api_key: PRO_KEY }, 400, 'invalid_request'],
  ['no API key', { grant_type: 'api_key' }, 400, 'invalid_request'],
  ['an API key that is no text', { grant_type: 'api_key', api_key: 7 }, 400, 'invalid_request'],
  ['an API key that is too long', { grant_type: 'api_key', api_key: LONG }, 400, 'invalid_request'],
  [
    'a refresh token that is too long',
    { grant_type: 'refresh_token', refresh_token: LONG },
    400,
    'invalid_request',
  ],
  ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
  ['no client secret', { grant_type: 'client_credentials', client_id: 'x' }, 400, 'invalid_request'],
  ['a scope that is no text', { grant_type: 'api_key', api_key: PRO_KEY, scope: 3 }, 400, 'invalid_request'],
  ['a list', [], 400, 'invalid_request'],
  ['null', null, 400, 'invalid_request'],
  ['no body', '', 400, 'invalid_request'],
  ['no JSON', '{"grant_type":', 400, 'invalid_request'],
])('%s is refused', async (_name, body, status, error) => {
  const answer = await testApi().post('/api/auth/token', body);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ error });
});

test('a refusal says what is wrong without repeating what was sent', async () => {
  const answer = await testApi().post('/api/auth/token', {
    grant_type: 'api_key',
    api_key: ['km_pro_secret'],
  });
  expect(await answer.json()).toEqual({
    error: 'invalid_request',
    error_description: 'api_key must be text',
  });
});

test('a revoked API key wins nothing, and its account still has its tokens', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  expect(api.store.revokeApiKey(PRO_KEY)).toBe(true);

  await expect(api.login()).rejects.toThrow('API key revoked');
  expect((await api.get('/api/auth/validate', token)).status).toBe(200);
  await expect(api.login([], FREE_KEY)).resolves.toBeDefined();
});
