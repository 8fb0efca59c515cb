import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startLocalApi, type ApiEvent } from '../src/index.js';
import { batchOf, PRO_KEY, testApi } from './harness.js';

const fingerprint = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 8);

test('each token and each batch is reported, with tokens named by fingerprint', async () => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const first = await api.login();
  const second = (await (await api.refresh(first.refresh_token)).json()) as typeof first;
  await api.post('/api/events/batch', batchOf('e1', 'e1'), second.access_token);

  const told = api.events.filter(({ type }) => type !== 'request');
  const atMs = api.clock.now();
  const subject = expect.stringMatching(/^acct_/) as string;
  expect(told).toEqual([
    {
      type: 'token.issued',
      atMs,
      grantType: 'api_key',
      subject,
      scope: ['monitoring'],
      accessToken: fingerprint(first.access_token),
      refreshToken: fingerprint(first.refresh_token),
      expiresAtMs: atMs + 60_000,
    },
    {
      type: 'token.refreshed',
      atMs,
      subject,
      scope: ['monitoring'],
      usedRefreshToken: fingerprint(first.refresh_token),
      accessToken: fingerprint(second.access_token),
      refreshToken: fingerprint(second.refresh_token),
      expiresAtMs: atMs + 60_000,
      isReplay: false,
    },
    {
      type: 'batch.stored',
      atMs,
      subject,
      accessToken: fingerprint(second.access_token),
      stored: 1,
      seenBefore: 1,
      cliVersion: '0.1.0',
    },
  ]);
});

test('refusals are reported too', async () => {
  const api = testApi();
  const first = await api.login();
  await api.refresh(first.refresh_token);
  await api.refresh(first.refresh_token);
  await api.get('/api/auth/validate', first.access_token);
  expect(api.events.map(({ type }) => type).filter((type) => type !== 'request')).toEqual([
    'token.issued',
    'token.refreshed',
    'family.revoked',
    'token.refused',
    'access.refused',
  ]);
  expect(api.events.findLast(({ type }) => type === 'access.refused')).toMatchObject({ reason: 'revoked' });
});

test.each([
  ['no body', '', {}, 400, 'invalid_request'],
  ['no JSON', '{', {}, 400, 'invalid_request'],
  ['no grant type', '{}', {}, 400, 'invalid_request'],
  ['a grant type that is none', '{"grant_type":"password"}', {}, 400, 'unsupported_grant_type'],
  ['an unknown key', '{"grant_type":"api_key","api_key":"km_pro_no"}', {}, 401, 'invalid_client'],
  ['too much', ' '.repeat(70_000), {}, 413, 'too_large'],
  ['a body packed in another way', 'x', { 'Content-Encoding': 'br' }, 415, 'unsupported_encoding'],
])(
  'a token request with %s is counted and reported, and its answer is not to be kept',
  async (...request) => {
    const [, body, headers, status, error] = request;
    const api = testApi();
    const answer = await api.app.request('/api/auth/token', { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('pragma')).toBe('no-cache');
    expect(api.store.stats().refused).toBe(1);
    expect(api.events).toMatchObject([
      { type: 'token.refused', error },
      { type: 'request', status },
    ]);
  },
);

test('each request is reported once it is answered', async () => {
  const api = testApi();
  await api.get('/health');
  await api.get('/nothing');
  expect(api.events).toMatchObject([
    { type: 'request', method: 'GET', path: '/health', status: 200, durationMs: 0 },
    { type: 'request', method: 'GET', path: '/nothing', status: 404 },
  ]);
});

test('whoever stops listening hears no more', async () => {
  const api = testApi();
  const heard: string[] = [];
  const stop = api.on(({ type }) => heard.push(type));
  await api.get('/health');
  stop();
  await api.get('/health');
  expect(heard).toEqual(['request']);
});

test('counts tell what happened to logins and refreshes', async () => {
  const api = testApi();
  const first = await api.login();
  api.clock.advance(1_000);
  await api.refresh(first.refresh_token);
  api.clock.advance(1_000);
  await api.refresh(first.refresh_token);
  expect(api.store.stats()).toEqual({
    issued: { api_key: 1, client_credentials: 0, device_code: 0 },
    refreshed: 1,
    replayed: 0,
    refused: 1,
    reuseDetected: 1,
    familiesRevoked: 1,
    accessTokensRevoked: 0,
    accessRefused: 0,
    batchesStored: 0,
    lastIssuedAtMs: api.clock.now() - 2_000,
    lastRefreshAtMs: api.clock.now() - 1_000,
  });
});

test('neither events nor log lines hold a token, a key or a device code', async () => {
  const lines: string[] = [];
  const api = testApi({ log: { write: (line) => lines.push(line) }, graceMs: 1_000 });
  const first = await api.login();
  const second = (await (await api.refresh(first.refresh_token)).json()) as typeof first;
  await api.refresh(first.refresh_token);
  await api.post('/api/events/batch', batchOf('e1'), second.access_token);
  await api.post('/api/auth/token', { grant_type: 'api_key', api_key: 'km_pro_wrong_key' });
  const started = await api.post('/api/auth/device-code/start', {});
  const { deviceCode, userCode } = (await started.json()) as { deviceCode: string; userCode: string };
  await api.get(`/device?user_code=${userCode}`);
  await api.post('/api/auth/revoke', { token: second.refresh_token });
  await api.get('/api/auth/validate', second.access_token);
  await api.get('/api/auth/validate', 'some-unknown-token');
  await api.post('/api/auth/token', { grant_type: 'km_pro_key_in_the_wrong_place' });

  expect(lines.length).toBeGreaterThan(10);
  const told = lines.join('') + JSON.stringify(api.events);
  for (const secret of [
    first.access_token,
    first.refresh_token,
    second.access_token,
    second.refresh_token,
    PRO_KEY,
    'km_pro_wrong_key',
    deviceCode,
    userCode,
    'some-unknown-token',
    'km_pro_key_in_the_wrong_place',
  ]) {
    expect(told).not.toContain(secret);
  }
});

test('a client that breaks off in its body is told as one that had no answer, not as a fault of the API', async () => {
  const events: ApiEvent[] = [];
  await using api = await startLocalApi({ onEvent: (event) => events.push(event) });
  const told = new Promise((resolve) => {
    api.on(({ type }) => {
      if (type === 'request') resolve(type);
    });
  });
  const socket = connect(api.port, api.hostname);
  await once(socket, 'connect');
  socket.write('POST /api/auth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello', () => {
    socket.resetAndDestroy();
  });
  await told;
  expect(events).toEqual([expect.objectContaining({ type: 'request', path: '/api/auth/token', status: 0 })]);
});
