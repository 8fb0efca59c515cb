import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startApi } from './support/api.js';
import { CHROMIUM, openChromium } from './support/chromium.js';
import { API_KEY, environment, runKm, startKm, type RunningKm } from './support/km.js';
import { CAN_BE_NOBODY, startAsNobody } from './support/nobody.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

if (CHROMIUM === undefined)
  console.warn('!!!!!!!!  chromium is missing: what needs it is SKIPPED.  !!!!!!!!');

/** Someone with a login, and a dashboard. */
async function startDashboard(): Promise<{
  readonly env: Record<string, string>;
  readonly km: RunningKm;
  readonly link: URL;
}> {
  const api = await startApi();
  const env = environment();
  await runKm(['auth', 'login', '--api-key-stdin', '--endpoint', api.url], { env, input: API_KEY });
  const km = startKm(['dashboard', '--no-open'], env);
  const link = await until('the link is printed', () => /http:\S+(?=\n)/.exec(km.stderr())?.[0] ?? '');
  return { env, km, link: new URL(link) };
}

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

/** Asks as a program may that is no browser. Of an answer that goes on, its beginning. */
function ask(link: URL, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: link.port, path, method, headers }, (response) => {
      let text = '';
      const done = (): void => {
        response.destroy();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      };
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (path === '/live' && /data: .*\n\n/.test(text)) done();
      });
      response.on('end', done);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Opens the link; gives the cookie that it brings. */
async function cookieOf(link: URL): Promise<string> {
  const { status, headers } = await ask(link, link.pathname);
  expect({ status, location: headers.location }).toEqual({ status: 303, location: '/' });
  const [cookie = ''] = headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
  return cookie.split(';')[0] ?? '';
}

describe('km dashboard lets in', () => {
  test('who has the link, once, and then the browser that used it', async () => {
    const { km, link } = await startDashboard();
    expect(link.hostname).toBe('127.0.0.1');
    expect(km.stdout().toString()).toBe('');
    const cookie = await cookieOf(link);
    for (const path of ['/', '/page.js', '/page.css', '/live']) {
      const { status, headers } = await ask(link, path, { cookie });
      expect({ path, status }).toEqual({ path, status: 200 });
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['cache-control']).toBe('no-store');
    }
    expect((await ask(link, link.pathname, { cookie })).status).toBe(303);
    const again = await ask(link, link.pathname);
    expect(again).toMatchObject({ status: 403, text: expect.stringContaining('used already') as string });
  });

  test('nobody without the link, and no page of another site', async () => {
    const { link } = await startDashboard();
    for (const path of ['/', '/page.js', '/live', '/open/', '/open/wrong'])
      expect({ path, status: (await ask(link, path)).status }).toEqual({ path, status: 403 });
    const cookie = await cookieOf(link);
    const wrong = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const tries: readonly (readonly [headers: Record<string, string>, status: number])[] = [
      [{ cookie: wrong }, 403],
      [{ cookie, origin: 'https://evil.example' }, 403],
      [{ cookie, origin: 'null' }, 403],
      [{ cookie, 'sec-fetch-site': 'cross-site' }, 403],
      [{ cookie, 'sec-fetch-site': 'same-site' }, 403],
      [{ cookie, host: `evil.example:${link.port}` }, 421],
      [{ cookie, host: `evil.example.localhost:${link.port}` }, 421],
      [{ cookie, host: '127.0.0.1' }, 200],
      [{ cookie, host: 'localhost:9000', origin: 'http://localhost:9000' }, 200],
      [{ cookie, host: 'localhost:9000', origin: 'http://localhost:9001' }, 403],
      [{ cookie, host: `localhost:${link.port}` }, 200],
      [{ cookie, origin: link.origin, 'sec-fetch-site': 'same-origin' }, 200],
    ];
    for (const [headers, status] of tries)
      expect({ headers, status: (await ask(link, '/live', headers)).status }).toEqual({ headers, status });
    expect((await ask(link, '/', { cookie }, 'POST')).status).toBe(405);
    expect((await ask(link, '/../package.json', { cookie })).status).toBe(404);
  });
});

describe('km dashboard shows', () => {
  test('what status and stats say, by fingerprint, and no secret', async () => {
    const { env, link } = await startDashboard();
    const { stdout: token } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    const cookie = await cookieOf(link);
    const { text } = await ask(link, '/live', { cookie });
    const state: unknown = JSON.parse(/data: (.*)\n\n/.exec(text)?.[1] ?? '');
    expect(state).toMatchObject({
      status: { active: 'default', profiles: [{ profile: 'default', scopes: [{ scope: 'monitoring' }] }] },
      usage: { unusual: [] },
      queue: { waiting: 0 },
    });
    expect(text).not.toContain(token.trim());
    expect(text).not.toContain(API_KEY);
  });

  test.skipIf(CHROMIUM === undefined)(
    'it in a browser, and what changes while one looks',
    { timeout: 120_000 },
    async () => {
      const { env, link } = await startDashboard();
      const page = await openChromium();
      const asked: string[] = [];
      const flaws: string[] = [];
      page.on('request', (each) => asked.push(new URL(each.url()).origin));
      page.on('console', (message) => flaws.push(message.text()));
      page.on('pageerror', (error) => flaws.push(error.message));
      await page.goto(link.href);
      await page.getByRole('heading', { name: 'default' }).waitFor();
      expect(page.url()).toBe(`${link.origin}/`);
      const card = page.getByRole('article', { name: 'default' });
      await card.getByText('Goes on by itself').waitFor();

      const { stdout: token } = await runKm(['auth', 'token', '--scope', 'plugins'], { env });
      await card.getByText('plugins', { exact: true }).waitFor();
      await page.locator('[data-count=refreshes]').filter({ hasText: /^1$/ }).waitFor();
      await page.getByRole('img', { name: '1 obtained and 0 failed in 7 days' }).waitFor();
      const wrong = { ...env, KILOMETERS_API_KEY: 'km_live_wrong' };
      await runKm(['auth', 'token', '--scope', 'plugins'], { env: wrong });
      await page.locator('[data-count=failures]').filter({ hasText: /^1$/ }).waitFor();
      await runKm(['auth', 'logout'], { env });
      await card.getByText('Needs you').waitFor();

      const html = await page.content();
      for (const secret of [token.trim(), API_KEY, 'km_live_wrong', link.pathname.slice(6)])
        expect(html).not.toContain(secret);
      expect(new Set(asked)).toEqual(new Set([link.origin]));
      expect(flaws).toEqual([]);
    },
  );

  test.skipIf(CHROMIUM === undefined)(
    'it on a narrow screen, by day and by night',
    { timeout: 120_000 },
    async () => {
      const { env, link } = await startDashboard();
      await runKm(['auth', 'token', '--scope', 'plugins'], { env });
      const page = await openChromium();
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(link.href);
      await page.getByRole('img', { name: /obtained/ }).waitFor();
      const looks = new Set<unknown>();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const width: unknown = await page.evaluate('document.documentElement.scrollWidth');
        const colour: unknown = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(width).toBe(320);
        looks.add(colour);
      }
      expect(looks.size).toBe(2);
    },
  );
});

test('Ctrl-C ends the dashboard, with a browser that still looks', async () => {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: API_KEY });
  const terminal = startOnTerminal(['dashboard', '--no-open'], { env });
  await terminal.shows('Ctrl-C ends the dashboard');
  const link = new URL(/http:\S+/.exec(terminal.raw())?.[0] ?? '');
  const cookie = await cookieOf(link);
  const looking = request({ host: '127.0.0.1', port: link.port, path: '/live', headers: { cookie } }).end();
  looking.on('error', () => undefined);
  await once(looking, 'response');
  terminal.type(CTRL_C);
  expect(await terminal.ended).toEqual({ code: 0, signal: null });
});

test('a port that is taken is said, with what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, stdout, stderr } = await runKm(['dashboard', '--no-open', '--port', String(port)]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/something else listens there; leave --port out/);
});

test.runIf(CAN_BE_NOBODY)('a user without a home gets a dashboard, too', async () => {
  const km = startAsNobody(['dashboard', '--no-open'], environment());
  await until('the link is printed', () => /http:\S+(?=\n)/.exec(km.stderr())?.[0] ?? '');
  km.child.kill('SIGINT');
  expect(await km.ended).toMatchObject({ code: 0 });
});
