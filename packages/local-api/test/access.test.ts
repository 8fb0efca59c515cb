import { expect, test } from 'vitest';
import { batchOf, PRO_KEY, testApi, type TestApi } from './harness.js';

async function challengeOf(answer: Promise<Response>, status = 401): Promise<string | null> {
  const { headers, status: actual } = await answer;
  expect(actual).toBe(status);
  return headers.get('www-authenticate');
}

/** Every protected call, made with this token. */
function protectedCalls(api: TestApi, token?: string): readonly Promise<Response>[] {
  return [
    api.get('/api/auth/validate', token),
    api.get('/api/user/features', token),
    api.post('/api/events/batch', batchOf('e1'), token),
    api.post('/api/plugins/manifest', {}, token),
  ];
}

test('a good token is valid, and says whose it is', async () => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const { access_token: token } = await api.login(['monitoring', 'plugins']);
  const answer = await api.get('/api/auth/validate', token);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    valid: true,
    subject: expect.stringMatching(/^acct_/) as string,
    tier: 'pro',
    scope: ['monitoring', 'plugins'],
    expires_at: '2030-01-01T00:01:00.000Z',
  });
});

test('the word Bearer may be written in any case', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  const answer = await api.app.request('/api/auth/validate', {
    headers: { Authorization: `bearer ${token}` },
  });
  expect(answer.status).toBe(200);
});

test('without a token every protected call names the scheme, and no error', async () => {
  for (const call of protectedCalls(testApi()))
    expect(await challengeOf(call)).toBe('Bearer realm="kilometers"');
});

test('an unknown token is invalid', async () => {
  for (const call of protectedCalls(testApi(), 'nonsense')) {
    expect(await challengeOf(call)).toBe('Bearer error="invalid_token"');
  }
});

test('a token is invalid from the moment it expires', async () => {
  const api = testApi({ tokenTtlMs: 2_000 });
  const { access_token: token } = await api.login();
  api.clock.advance(1_999);
  expect((await api.get('/api/auth/validate', token)).status).toBe(200);
  api.clock.advance(1);
  for (const call of protectedCalls(api, token)) {
    expect(await challengeOf(call)).toBe('Bearer error="invalid_token"');
  }
});

test('a revoked token is told so', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  await api.post('/api/auth/revoke', { token });
  for (const call of protectedCalls(api, token)) {
    expect(await challengeOf(call)).toBe('Bearer error="invalid_token", error_description="token_revoked"');
  }
});

test('a JWT of which one letter was changed is unknown', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  const forged = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`;
  expect(await challengeOf(api.get('/api/auth/validate', forged))).toBe('Bearer error="invalid_token"');
});

test('a header that holds no bearer token is a bad request', async () => {
  const api = testApi();
  for (const authorization of ['Bearer', 'Bearer two words', 'Bearer {"a":1}']) {
    const call = api.app.request('/api/auth/validate', { headers: { Authorization: authorization } });
    expect(await challengeOf(Promise.resolve(call), 400)).toBe('Bearer error="invalid_request"');
  }
});

test('a good token without the scope a call needs is forbidden, and told which', async () => {
  const api = testApi();
  const { access_token: monitoring } = await api.login(['monitoring']);
  const { access_token: plugins } = await api.login(['plugins']);
  expect(await challengeOf(api.post('/api/plugins/manifest', {}, monitoring), 403)).toBe(
    'Bearer error="insufficient_scope", scope="plugins"',
  );
  const refused = api.post('/api/events/batch', batchOf('e1'), plugins);
  expect(await challengeOf(refused, 403)).toBe('Bearer error="insufficient_scope", scope="monitoring"');
  expect(await (await refused).json()).toMatchObject({ error: 'insufficient_scope' });
});

test('revoking a refresh token ends its family: the access tokens too', async () => {
  const api = testApi();
  const tokens = await api.login();
  const answer = await api.post('/api/auth/revoke', {
    token: tokens.refresh_token,
    token_type_hint: 'refresh_token',
  });
  expect(answer.status).toBe(200);
  expect(await challengeOf(api.get('/api/auth/validate', tokens.access_token))).toContain('token_revoked');
  const refused = await api.refresh(tokens.refresh_token);
  expect(await refused.json()).toEqual({
    error: 'invalid_grant',
    error_description: 'refresh token revoked',
  });
});

test('revoking an access token ends that one alone', async () => {
  const api = testApi();
  const tokens = await api.login();
  await api.post('/api/auth/revoke', { token: tokens.access_token, token_type_hint: 'access_token' });
  expect(await challengeOf(api.get('/api/auth/validate', tokens.access_token))).toContain('token_revoked');
  expect((await api.refresh(tokens.refresh_token)).status).toBe(200);
});

test('a wrong or unheard-of hint does not matter', async () => {
  const api = testApi();
  const tokens = await api.login();
  await api.post('/api/auth/revoke', { token: tokens.refresh_token, token_type_hint: 'access_token' });
  expect((await api.refresh(tokens.refresh_token)).status).toBe(400);
  expect((await api.post('/api/auth/revoke', { token: 'x', token_type_hint: 'saml' })).status).toBe(200);
});

test('revoking twice, or what never was, is no error; a malformed request is', async () => {
  const api = testApi();
  const { access_token: token } = await api.login();
  for (const each of [token, token, 'never']) {
    expect((await api.post('/api/auth/revoke', { token: each })).status).toBe(200);
  }
  expect(api.store.stats().accessTokensRevoked).toBe(1);
  for (const body of [{}, { token: '' }, { token: 1 }, { token: 'x', token_type_hint: 1 }, 'no JSON', '']) {
    const answer = await api.post('/api/auth/revoke', body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  }
});

test('an operator can end all access tokens, or all logins', async () => {
  const api = testApi();
  const one = await api.login();
  const two = await api.login();
  expect(api.store.revokeAllAccessTokens()).toBe(2);
  expect(await challengeOf(api.get('/api/auth/validate', one.access_token))).toContain('token_revoked');
  expect((await api.refresh(one.refresh_token)).status).toBe(200);
  expect(api.store.revokeAllFamilies()).toBe(2);
  expect((await api.refresh(two.refresh_token)).status).toBe(400);
});

test('features come by API key as well, and an unknown or revoked key is refused', async () => {
  const api = testApi();
  const ask = async (key: string): Promise<Response> =>
    api.app.request('/api/user/features', { headers: { 'X-API-Key': key } });
  expect(await (await ask(PRO_KEY)).json()).toMatchObject({ tier: 'pro' });
  expect((await ask('km_pro_other')).status).toBe(401);
  api.store.revokeApiKey(PRO_KEY);
  expect((await ask(PRO_KEY)).status).toBe(401);
});

test('each tier has the features of the one below and more', async () => {
  const keys = ['km_free_a', 'km_pro_a', 'km_ent_a'];
  const api = testApi({ apiKeys: keys });
  const lists = await Promise.all(
    keys.map(async (key) => {
      const answer = await api.app.request('/api/user/features', { headers: { 'X-API-Key': key } });
      return ((await answer.json()) as { features: string[] }).features;
    }),
  );
  expect(lists[1]).toEqual(expect.arrayContaining(lists[0]!));
  expect(lists[2]).toEqual(expect.arrayContaining(lists[1]!));
  expect(new Set(lists.map((list) => list.length)).size).toBe(3);
});

test('until when an account has its features is told where it is given', async () => {
  const featuresExpireAtMs = Date.UTC(2031, 0, 1);
  const api = testApi({ apiKeys: [{ key: PRO_KEY, featuresExpireAtMs }, 'km_free_a'] });
  const { access_token: token } = await api.login();
  const byKey = async (key: string): Promise<unknown> =>
    (await api.app.request('/api/user/features', { headers: { 'X-API-Key': key } })).json();
  const end = { expires_at: '2031-01-01T00:00:00.000Z' };
  expect(await (await api.get('/api/user/features', token)).json()).toMatchObject(end);
  expect(await byKey(PRO_KEY)).toMatchObject(end);
  expect(await byKey('km_free_a')).not.toHaveProperty('expires_at');
});

test('health needs no token and tells the time', async () => {
  const answer = await testApi().get('/health');
  expect(await answer.json()).toEqual({ status: 'healthy', time: '2030-01-01T00:00:00.000Z' });
  expect(answer.headers.get('date')).toBe('Tue, 01 Jan 2030 00:00:00 GMT');
});

test('health may be asked for without its body', async () => {
  const answer = await testApi().app.request('/health', { method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(await answer.text()).toBe('');
});

test('a path there is not is a 404 in JSON', async () => {
  const answer = await testApi().get('/api/nothing');
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ error: 'not_found' });
});
