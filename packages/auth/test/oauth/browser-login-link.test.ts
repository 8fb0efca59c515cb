import { describe, expect, test } from 'vitest';
import { comeBack, startLogin } from './browser-login-setup.js';

describe('the link of a browser login', () => {
  test('asks for a code with PKCE, a state, and a redirect to a free port of this machine', async () => {
    const { login, asked, issuer } = await startLogin();
    const other = await startLogin();
    expect(login.url).toMatch(new RegExp(`^${issuer.origin}/authorize\\?tenant=one&response_type=code&`));
    expect(Object.fromEntries(asked)).toMatchObject({
      client_id: 'app',
      scope: 'openid offline_access',
      prompt: 'consent',
      code_challenge_method: 'S256',
    });
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    expect(login.redirectUri).toBe(asked.get('redirect_uri'));
    for (const name of ['state', 'code_challenge', 'redirect_uri'])
      expect(other.asked.get(name)).not.toBe(asked.get(name));
    await Promise.all([login.close(), other.login.close()]);
  });

  test('has what was chosen: scopes, prompt, resources, audience and redirect URI', async () => {
    const { login, asked } = await startLogin({
      provider: { resources: ['https://one.example/', 'https://two.example/'], audience: 'api' },
      login: { scopes: ['read', 'write'], prompt: 'login', redirectUri: 'http://localhost/back' },
    });
    expect(asked.get('scope')).toBe('read write');
    expect(asked.get('prompt')).toBe('login');
    expect(asked.getAll('resource')).toEqual(['https://one.example/', 'https://two.example/']);
    expect(asked.get('audience')).toBe('api');
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/localhost:\d+\/back$/);
    await login.close();
  });

  test('names no scope where the issuer does not say that it knows any', async () => {
    const { login, asked } = await startLogin({ metadata: { scopes_supported: undefined } });
    expect([asked.has('scope'), asked.has('prompt')]).toEqual([false, false]);
    await login.close();
  });

  const written: readonly (readonly [string, RegExp])[] = [
    ['http://localhost', /^http:\/\/localhost:\d+$/],
    ['http://LOCALHOST:/Back', /^http:\/\/LOCALHOST:\d+\/Back$/],
    ['http://127.0.0.1:0/callback', /^http:\/\/127\.0\.0\.1:[1-9]\d*\/callback$/],
    ['http://127.0.0.1/', /^http:\/\/127\.0\.0\.1:\d+\/$/],
    ['http://127.0.0.2/callback', /^http:\/\/127\.0\.0\.2:\d+\/callback$/],
  ];
  // Elsewhere than on Linux another address of this machine has to be set up first.
  const reached = written.filter(([uri]) => process.platform === 'linux' || !uri.includes('127.0.0.2'));
  test.each(reached)(
    'has the redirect URI %s as it is written, with a port, and is reached there',
    async (redirectUri, sent) => {
      const { login, asked } = await startLogin({ login: { redirectUri } });
      expect(asked.get('redirect_uri')).toMatch(sent);
      expect(login.redirectUri).toBe(asked.get('redirect_uri'));
      // Nothing else listens there; of another login it is.
      expect((await comeBack(login, { state: 'another' })).status).toBe(400);
      await login.close();
    },
  );

  test('has a port that is named as it is written', async () => {
    const { login: other } = await startLogin();
    await other.close();
    const redirectUri = `http://localhost:${new URL(other.redirectUri).port}`;
    const { asked, login } = await startLogin({ login: { redirectUri } });
    expect(asked.get('redirect_uri')).toBe(redirectUri);
    await login.close();
  });

  test.each([
    'https://127.0.0.1/callback',
    'http://app.example/callback',
    'http://localhost/?x=1',
    'nothing',
  ])('never has the redirect URI %s, which is not one of this machine', async (redirectUri) => {
    await expect(startLogin({ login: { redirectUri } })).rejects.toMatchObject({
      code: 'KM_AUTH_INVALID_OPTION',
    });
  });

  test('is not made where the issuer has no page to log in at', async () => {
    await expect(startLogin({ metadata: { authorization_endpoint: undefined } })).rejects.toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringContaining('nobody can log in there with a browser') as string,
    });
  });

  test('is not made where another program has the port', async () => {
    const { login } = await startLogin();
    const { port } = new URL(login.redirectUri);
    await expect(
      startLogin({ login: { redirectUri: `http://127.0.0.1:${port}/callback` } }),
    ).rejects.toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ \(another program has this port/) as string,
    });
    await login.close();
  });
});
