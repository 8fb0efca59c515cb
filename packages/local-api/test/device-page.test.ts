import { expect, test } from 'vitest';
import { answerOnPage, refusal, start } from './device-setup.js';
import { testApi } from './harness.js';

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
