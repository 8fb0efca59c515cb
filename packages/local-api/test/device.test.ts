import { expect, test } from 'vitest';
import { testApi, type TestApi } from './harness.js';

type Started = {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly expiresIn: number;
  readonly interval: number;
};

async function start(api: TestApi, body: unknown = { scope: ['monitoring'] }): Promise<Started> {
  const answer = await api.post('/api/auth/device-code/start', body);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Started;
}

const poll = (api: TestApi, deviceCode: string): Promise<Response> =>
  api.post('/api/auth/device-code/poll', { deviceCode });

async function refusal(api: TestApi, deviceCode: string): Promise<string> {
  const answer = await poll(api, deviceCode);
  expect(answer.status).toBe(400);
  return ((await answer.json()) as { error: string }).error;
}

/** Opens the page as a browser would, and answers. */
async function answerOnPage(api: TestApi, userCode: string, answer: 'approve' | 'deny'): Promise<Response> {
  const page = await api.get(`/device?user_code=${encodeURIComponent(userCode)}`);
  const html = await page.text();
  const csrf = /name="csrf_token" value="([^"]+)"/.exec(html)?.[1] ?? '';
  const cookie = page.headers.get('set-cookie')?.split(';')[0] ?? '';
  return api.app.request('/device', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Cookie: cookie,
      Origin: 'http://localhost',
      'Sec-Fetch-Site': 'same-origin',
    },
    body: new URLSearchParams({ user_code: userCode, csrf_token: csrf, answer }).toString(),
  });
}

test('a start tells the device what to show', async () => {
  const started = await start(testApi({ publicUrl: 'https://km.example/' }));
  expect(started).toMatchObject({
    verificationUri: 'https://km.example/device',
    verificationUriComplete: `https://km.example/device?user_code=${started.userCode}`,
    expiresIn: 600,
    interval: 5,
  });
  expect(started.userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
});

test('a start may have an empty body, and refuses an unknown scope', async () => {
  const api = testApi();
  await start(api, {});
  await start(api, '');
  const answer = await api.post('/api/auth/device-code/start', { scope: ['everything'] });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: 'invalid_scope' });
  expect((await api.post('/api/auth/device-code/start', { scope: 1 })).status).toBe(400);
});

test('from start to tokens: pending, approved on the page, and used once', async () => {
  const api = testApi({ tokenTtlMs: 60_000 });
  const { deviceCode, userCode } = await start(api, { scope: 'monitoring plugins' });
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');

  const done = await answerOnPage(api, userCode, 'approve');
  expect(done.status).toBe(200);
  expect(await done.text()).toContain('Device connected');

  const answer = await poll(api, deviceCode);
  expect(answer.status).toBe(200);
  const { token } = (await answer.json()) as { token: { accessToken: string; refreshToken: string } };
  expect(token).toEqual({
    accessToken: expect.any(String) as string,
    accessTokenExpiresAt: '2030-01-01T00:01:00.000Z',
    tokenType: 'Bearer',
    refreshToken: expect.any(String) as string,
    scope: ['monitoring', 'plugins'],
  });
  expect((await api.get('/api/auth/validate', token.accessToken)).status).toBe(200);
  expect((await api.refresh(token.refreshToken)).status).toBe(200);
  expect(await refusal(api, deviceCode)).toBe('expired_token');
  expect(api.store.stats().issued.device_code).toBe(1);
});

test('of ten polls at once for an approved code exactly one wins', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await answerOnPage(api, userCode, 'approve');
  const answers = await Promise.all(Array.from({ length: 10 }, () => poll(api, deviceCode)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(api.store.stats().issued.device_code).toBe(1);
});

test('a denied login is told so, again and again', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  expect(await (await answerOnPage(api, userCode, 'deny')).text()).toContain('Device denied');
  expect(await refusal(api, deviceCode)).toBe('access_denied');
  expect(await refusal(api, deviceCode)).toBe('access_denied');
});

test('a code expires for the device and on the page', async () => {
  const api = testApi({ deviceCodeTtlMs: 60_000 });
  const { deviceCode, userCode } = await start(api);
  api.clock.advance(60_000);
  expect(await refusal(api, deviceCode)).toBe('expired_token');
  expect((await api.get(`/device?user_code=${userCode}`)).status).toBe(400);
  expect((await answerOnPage(api, userCode, 'approve')).status).toBe(403);
});

test('a code that never was is expired too, and a malformed poll is a bad request', async () => {
  const api = testApi();
  expect(await refusal(api, 'kmdc_never')).toBe('expired_token');
  for (const body of [{}, { deviceCode: 1 }, { deviceCode: '' }, '', 'x']) {
    const answer = await api.post('/api/auth/device-code/poll', body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  }
});

test('polling too fast is told to slow down, by five seconds more each time', async () => {
  const api = testApi();
  const { deviceCode } = await start(api);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
  api.clock.advance(4_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(9_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(14_000);
  expect(await refusal(api, deviceCode)).toBe('slow_down');
  api.clock.advance(20_000);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
});

test('a login approved in the meantime is given even to who polls too fast', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await refusal(api, deviceCode);
  await answerOnPage(api, userCode, 'approve');
  expect((await poll(api, deviceCode)).status).toBe(200);
});

test('the code may be typed in small letters and without its hyphen', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await answerOnPage(api, ` ${userCode.toLowerCase().replace('-', '')} `, 'approve');
  expect((await poll(api, deviceCode)).status).toBe(200);
});

test('the page asks for a code, needs no script, and may load nothing', async () => {
  const page = await testApi().get('/device');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(page.headers.get('x-frame-options')).toBe('DENY');
  const html = await page.text();
  expect(html).not.toContain('<script');
  expect(html).toContain('<label for="user_code">');
  expect(html).toContain('<html lang="en">');
});

test('the style sheet is the one the policy allows', async () => {
  const page = await testApi().get('/device');
  const style = /<style>([\s\S]*?)<\/style>/.exec(await page.text())?.[1] ?? '';
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style));
  expect(page.headers.get('content-security-policy')).toContain(Buffer.from(digest).toString('base64'));
});

test('the complete link shows code, scopes and account, and does nothing yet', async () => {
  const api = testApi();
  const { deviceCode, userCode, verificationUriComplete } = await start(api, {
    scope: ['monitoring', 'plugins'],
  });
  const link = new URL(verificationUriComplete);
  const html = await (await api.get(link.pathname + link.search)).text();
  expect(html).toContain(userCode);
  expect(html).toContain('(monitoring)');
  expect(html).toContain('(plugins)');
  expect(html).toMatch(/acct_[0-9a-f]{8}/);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
});

test('what was typed comes back as text, never as markup', async () => {
  const typed = '"><script>alert(1)</script>';
  const page = await testApi().get(`/device?user_code=${encodeURIComponent(typed)}`);
  expect(page.status).toBe(400);
  const html = await page.text();
  expect(html).not.toContain('<script>');
  expect(html).toContain('&quot;&gt;&lt;script&gt;');
  expect(html).toContain('role="alert"');
});

test.each<[string, Record<string, string>, (token: string) => string]>([
  ['without the cookie', { Cookie: '' }, (token) => token],
  ['with another token', {}, () => 'A'.repeat(43)],
  ['with no token', {}, () => ''],
  ['from another origin', { Origin: 'https://evil.example' }, (token) => token],
  ['from no origin at all', { Origin: 'null' }, (token) => token],
  ['from another site, as the browser says', { 'Sec-Fetch-Site': 'cross-site' }, (token) => token],
])('a form %s approves nothing', async (_name, headers, tokenFor) => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  const page = await api.get(`/device?user_code=${userCode}`);
  const token = /name="csrf_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const answer = await api.app.request('/device', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Cookie: page.headers.get('set-cookie')?.split(';')[0] ?? '',
      ...headers,
    },
    body: new URLSearchParams({
      user_code: userCode,
      csrf_token: tokenFor(token),
      answer: 'approve',
    }).toString(),
  });
  expect(answer.status).toBe(403);
  expect(await refusal(api, deviceCode)).toBe('authorization_pending');
});

test('the cookie of the page is for the page alone', async () => {
  const api = testApi();
  const { userCode } = await start(api);
  const cookie = (await api.get(`/device?user_code=${userCode}`)).headers.get('set-cookie');
  expect(cookie).toContain('HttpOnly');
  expect(cookie).toContain('SameSite=Strict');
  expect(cookie).toContain('Path=/device');
});

test('the page is not served under a name that somebody else pointed here', async () => {
  const api = testApi({ publicUrl: 'http://127.0.0.1:8787' });
  expect((await api.get('http://evil.example/device')).status).toBe(421);
  for (const own of ['http://127.0.0.1:8787', 'http://localhost:8787', 'http://[::1]:8787']) {
    expect((await api.get(`${own}/device`)).status).toBe(200);
  }
});

test('an answer cannot be taken back on the page', async () => {
  const api = testApi();
  const { deviceCode, userCode } = await start(api);
  await answerOnPage(api, userCode, 'deny');
  expect((await answerOnPage(api, userCode, 'approve')).status).toBe(403);
  expect(await refusal(api, deviceCode)).toBe('access_denied');
});
