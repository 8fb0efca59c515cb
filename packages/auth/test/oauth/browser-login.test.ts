import { describe, expect, test } from 'vitest';
import { createAuthManager, createMemoryCache, storeLogin } from '../../src/index.js';
import { fakeClock } from '../support/fake-clock.js';
import { drop, until } from '../support/http-server.js';
import { approve, comeBack, isListening, startLogin, stateOf } from './browser-login-setup.js';
import { json, type FakeIssuer } from './fake-issuer.js';

const codes = (issuer: FakeIssuer) => issuer.forms('/token').map(({ code }) => code);

describe('a browser that comes back', () => {
  test('brings a token that goes on where the issuer says no end of it, and gives no refresh token', async () => {
    const { login, issuer } = await startLogin();
    issuer.replies.set('/token', () => json({ access_token: 'access', token_type: 'bearer' }));
    const waiting = login.wait();
    await approve(login);
    expect((await waiting).grant.token.lifetimeMs).toBeGreaterThan(365 * 86_400_000);
  });

  test('with a code brings a login, sees that it may go, and finds nobody there afterwards', async () => {
    const { login, issuer, provider } = await startLogin({ login: { scopes: ['read'] } });
    issuer.replies.set('/token', () =>
      json({ access_token: 'access', refresh_token: 'refresh', expires_in: 60, scope: 'read' }),
    );
    const waiting = login.wait();
    const page = await approve(login);
    const won = await waiting;

    expect(page.status).toBe(200);
    expect(await page.text()).toContain('You can close this tab');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const [form] = issuer.forms('/token');
    expect(form).toMatchObject({
      grant_type: 'authorization_code',
      code: 'the-code',
      client_id: 'app',
      redirect_uri: login.redirectUri,
    });
    const verifier = Buffer.from(
      await crypto.subtle.digest('SHA-256', Buffer.from(form?.['code_verifier'] ?? '')),
    );
    expect(verifier.toString('base64url')).toBe(new URL(login.url).searchParams.get('code_challenge'));
    expect(await isListening(login)).toBe(false);

    const cache = createMemoryCache();
    await storeLogin(won, { provider, cache });
    const manager = createAuthManager({ provider, cache, loginId: won.id });
    expect((await manager.getValidToken('read')).reveal()).toBe('access');
  });

  test('twice is told so, and the code is sent once', async () => {
    const { login, issuer } = await startLogin();
    let release = (): void => undefined;
    issuer.replies.set('/token', () => (response) => {
      release = () => response.end(JSON.stringify({ access_token: 'access', expires_in: 60 }));
    });
    const waiting = login.wait();
    const first = approve(login);
    await until(() => issuer.to('/token').length === 1);
    expect((await approve(login)).status).toBe(409);
    release();
    expect((await first).status).toBe(200);
    await waiting;
    expect(codes(issuer)).toEqual(['the-code']);
  });

  test('with the state of another login is not believed, and the login goes on', async () => {
    let foreign = 0;
    const { login, issuer } = await startLogin({ login: { onForeignAnswer: () => (foreign += 1) } });
    const waiting = login.wait();
    for (const parameters of [
      { code: 'stolen', state: 'other' },
      { code: 'stolen' },
      { error: 'access_denied', state: 'other' },
    ] as Record<string, string>[]) {
      const page = await comeBack(login, parameters);
      expect(page.status).toBe(400);
      expect(await page.text()).not.toContain('stolen');
    }
    expect(foreign).toBe(3);
    await approve(login);
    await waiting;
    expect(codes(issuer)).toEqual(['the-code']);
  });

  test('from another issuer ends the login before the code is shown to anybody', async () => {
    const { login, issuer } = await startLogin();
    const waiting = login.wait();
    waiting.catch(() => undefined);
    expect((await approve(login, { iss: 'https://evil.example' })).status).toBe(400);
    await expect(waiting).rejects.toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringMatching(/unexpected "iss".*mixed it up/) as string,
    });
    expect(codes(issuer)).toEqual([]);
  });

  test('names the issuer where that says it always does, with or without a slash at the end', async () => {
    const metadata = { authorization_response_iss_parameter_supported: true };
    const silent = await startLogin({ metadata });
    const waiting = silent.login.wait();
    waiting.catch(() => undefined);
    await approve(silent.login);
    await expect(waiting).rejects.toMatchObject({ message: expect.stringContaining('"iss"') as string });

    const { login, issuer } = await startLogin({ metadata });
    const named = login.wait();
    await approve(login, { iss: `${issuer.origin}/` });
    await named;
  });

  test.each([
    ['access_denied', 'KM_AUTH_GRANT_REJECTED', /the user, or the server, said no/],
    ['invalid_scope', 'KM_AUTH_INVALID_SCOPE', /a scope is unknown/],
    ['unauthorized_client', 'KM_AUTH_CONFIGURATION', /allow the grant/],
    ['temporarily_unavailable', 'KM_AUTH_UNREACHABLE', /try again later/],
    ['odd\u001b[31m_error', 'KM_AUTH_CONFIGURATION', /odd \[31m_error/],
  ])('with the error %s says what the issuer said, and what to do', async (error, code, means) => {
    const { login, issuer } = await startLogin();
    const waiting = login.wait();
    waiting.catch(() => undefined);
    const page = await comeBack(login, {
      error,
      error_description: `said\u0007by${'x'.repeat(500)}`,
      state: stateOf(login),
    });
    expect(page.status).toBe(400);
    const failure = (await waiting.catch((thrown: unknown) => thrown)) as Error;
    expect(failure).toMatchObject({ code, message: expect.stringMatching(means) as string });
    expect(failure.message).toMatch(/\(said by/);
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(failure.message).not.toMatch(/[\u0000-\u001f]/);
    expect(failure.message.length).toBeLessThan(500);
    expect(codes(issuer)).toEqual([]);
    expect(await isListening(login)).toBe(false);
  });

  test.each([
    ['is asked for the page of another path', '/favicon.ico', {}],
    ['is asked by another name', '/callback', { host: 'rebound.example' }],
  ])('that %s gets nothing', async (_what, path, headers) => {
    const { login } = await startLogin();
    const url = new URL(path, login.redirectUri);
    url.search = new URLSearchParams({ code: 'x', state: stateOf(login) }).toString();
    const status = await new Promise((resolve) => {
      void import('node:http').then(({ get }) =>
        get(url, { headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }),
      );
    });
    expect(status).toBe(404);
    await login.close();
  });
});

describe('the tokens for a code', () => {
  test.each([
    ['a 503', { status: 503, headers: { 'retry-after': '1' } }],
    ['a 429', { status: 429 }],
  ])('are asked for again after %s', async (_what, trouble) => {
    const { login, issuer } = await startLogin();
    let asked = 0;
    issuer.replies.set('/token', () => {
      asked += 1;
      return asked === 1 ? trouble : json({ access_token: 'access', expires_in: 60 });
    });
    const waiting = login.wait();
    await approve(login);
    expect((await waiting).grant.token.reveal()).toBe('access');
    expect(codes(issuer)).toEqual(['the-code', 'the-code']);
  });

  test.each([
    ['the answer was lost', drop],
    ['a gateway answers 500 with a page', { status: 500, body: '<html>' }],
    ['a gateway answers 502', { status: 502 }],
    ['a gateway answers 503', { status: 503 }],
    ['a gateway answers 504', { status: 504 }],
  ])('are asked for once where %s: a code sent twice ends what it won', async (_what, reply) => {
    const { login, issuer } = await startLogin();
    issuer.replies.set('/token', () => reply);
    const waiting = login.wait();
    waiting.catch(() => undefined);
    expect((await approve(login)).status).toBe(400);
    await expect(waiting).rejects.toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
    expect(codes(issuer)).toEqual(['the-code']);
  });

  test('that are refused are named with what the issuer said, never with the code', async () => {
    const { login, issuer } = await startLogin();
    issuer.replies.set('/token', () =>
      json({ error: 'invalid_grant', error_description: 'the-code is over' }, 400),
    );
    const waiting = login.wait();
    waiting.catch(() => undefined);
    await approve(login);
    const failure = (await waiting.catch((thrown: unknown) => thrown)) as Error;
    expect(failure.message).toMatch(/invalid_grant \(\[redacted\] is over\)/);
  });
});

describe('a browser login that is given up', () => {
  test('by its signal ends at once, and leaves no port open', async () => {
    const { login } = await startLogin();
    const giveUp = new AbortController();
    const waiting = login.wait({ signal: giveUp.signal });
    waiting.catch(() => undefined);
    expect(await isListening(login)).toBe(true);
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'KM_AUTH_ABORTED' });
    expect(await isListening(login)).toBe(false);
  });

  test('while its tokens are on the way brings them, for somebody to give back', async () => {
    const { login, issuer } = await startLogin();
    let release = (): void => undefined;
    issuer.replies.set('/token', () => (response) => {
      release = () => response.end(JSON.stringify({ access_token: 'access', expires_in: 60 }));
    });
    const giveUp = new AbortController();
    const waiting = login.wait({ signal: giveUp.signal });
    const page = approve(login);
    await until(() => issuer.to('/token').length === 1);
    giveUp.abort();
    release();
    expect((await waiting).grant.token.reveal()).toBe('access');
    expect((await page).status).toBe(200);
  });

  test('by time says that nobody came', async () => {
    const clock = fakeClock();
    const { login } = await startLogin({ provider: { clock }, login: { timeoutMs: 60_000 } });
    const waiting = login.wait();
    waiting.catch(() => undefined);
    await clock.advance(59_999);
    expect(await isListening(login)).toBe(true);
    await clock.advance(1);
    await expect(waiting).rejects.toMatchObject({
      code: 'KM_AUTH_GRANT_REJECTED',
      message: expect.stringContaining('nobody logged in') as string,
    });
    expect(await isListening(login)).toBe(false);
  });
});
