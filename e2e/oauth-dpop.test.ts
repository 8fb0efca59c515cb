import { createAuthenticatedClient, createAuthManager, createOAuthProvider } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { proofIn, startBoundLogin, type BoundLogin } from './support/oauth-bound-login.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import { oauthStorm, runOAuthProgram, startOAuthLogin, startOAuthProgram } from './support/oauth-login.js';
import { startOAuthServer, type OAuthServer, type OAuthServerOptions } from './support/oauth-server.js';
import { until } from './support/until.js';

/** A server that wants its latest nonce in every proof. */
const nonces = (more: Partial<OAuthServerOptions> = {}): Promise<OAuthServer> =>
  startOAuthServer({ clients: [CLI], dpopNonces: true, ...more });

/** The keys that the server saw proved. */
async function provedKeys({ seen }: OAuthServer): Promise<ReadonlySet<string>> {
  const proofs = await Promise.all(seen.map(proofIn));
  return new Set(proofs.map(({ thumbprint }) => thumbprint));
}

/** What the server knows of an access token. */
async function tokenAt({ server }: Pick<BoundLogin, 'server'>, token = '') {
  return server.provider.AccessToken.find(token);
}

test('a server that wants nonces gets them: tokens and refresh token stay bound to the key of the login', async () => {
  const login = await startBoundLogin(await nonces());

  const first = await runOAuthProgram(login);
  const narrow = await runOAuthProgram(login, { OAUTH_SCOPE: 'read' });

  expect([first.code, narrow.code]).toEqual([0, 0]);
  for (const { token } of [first, narrow])
    expect(await tokenAt(login, token)).toMatchObject({ jkt: login.thumbprint });
  expect(await provedKeys(login.server)).toEqual(new Set([login.thumbprint]));
  expect(login.server.revoked()).toBe(0);
});

test(
  '32 programs that refresh a bound login at once share one key and one refresh',
  { timeout: 300_000 },
  async () => {
    const login = await startBoundLogin(await nonces());

    const ends = await oauthStorm(login, 32);

    expect(new Set(ends.map(({ token }) => token)).size).toBe(1);
    expect(ends[0]?.token).toBeDefined();
    expect(login.server.refreshes()).toBe(1);
    expect(await provedKeys(login.server)).toEqual(new Set([login.thumbprint]));
  },
);

test('the key of a grant is stored before it is used: after kill -9 in the middle another program goes on with it', async () => {
  const server = await nonces();
  // A login that was made without a key: the first refresh makes one.
  const login = await startOAuthLogin(server, { OAUTH_DPOP: '1', LOGIN_ID: 'login-1' });
  server.next({ status: 503, headers: { 'retry-after': '30' } });
  const owner = startOAuthProgram(login);
  await until('the owner has asked', () => server.seen.length > 0);
  owner.child.kill('SIGKILL');
  await owner.ended;

  const next = await runOAuthProgram(login);

  expect(next.code).toBe(0);
  const keys = await provedKeys(server);
  expect(keys.size).toBe(1);
  expect(await tokenAt({ server }, next.token)).toMatchObject({ jkt: [...keys][0] });
});

test('a bound login outlives the kill -9 of a program that was refreshing it', async () => {
  const login = await startBoundLogin(await nonces());
  login.server.next({ status: 503, headers: { 'retry-after': '30' } });
  const owner = startOAuthProgram(login);
  await until('the owner has asked', () => login.server.seen.length > 0);
  owner.child.kill('SIGKILL');
  await owner.ended;

  const ends = await Promise.all([runOAuthProgram(login), runOAuthProgram(login)]);

  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  expect(await provedKeys(login.server)).toEqual(new Set([login.thumbprint]));
  expect(login.server.revoked()).toBe(0);
});

/** A client of a service whose tokens are bound, at a server whose userinfo is an API that checks them. */
async function boundClient(server: OAuthServer) {
  const manager = createAuthManager({
    provider: createOAuthProvider({ issuer: server.issuer, clientId: 'cli', dpop: 'if-offered' }),
    refreshToken: await server.login('cli', 'openid offline_access read write'),
  });
  return { manager, client: createAuthenticatedClient(manager, 'default') };
}

test('requests with a bound token are taken by an API that wants nonces, before and after a refresh', async () => {
  const server = await nonces();
  const { manager, client } = await boundClient(server);

  for (let each = 0; each < 3; each += 1) {
    const answer = await client(`${server.issuer}/me?a=b`);
    expect([answer.status, await answer.json()]).toEqual([200, { sub: 'somebody' }]);
    await manager.forceRefresh();
  }
  const token = await manager.getValidToken();
  expect(token.type).toBe('DPoP');
  // What was stolen without the key is good for nothing.
  for (const authorization of [token.authorization, `Bearer ${token.reveal()}`])
    expect((await fetch(`${server.issuer}/me`, { headers: { authorization } })).ok).toBe(false);
});

test('an API that rejects a bound token gets another one', async () => {
  const server = await nonces();
  const { manager, client } = await boundClient(server);
  const token = await manager.getValidToken();
  await (await server.provider.AccessToken.find(token.reveal()))?.destroy();

  expect((await client(`${server.issuer}/me`, { method: 'POST' })).status).toBe(200);
  expect(server.refreshes()).toBe(2);
});

test('a service mints bound tokens, each of its managers with a key of its own', async () => {
  const server = await nonces({ clients: [service('client_secret_basic')] });
  const provider = createOAuthProvider({
    issuer: server.issuer,
    clientId: 'service',
    clientAuthentication: { method: 'client_secret', clientSecret: ODD_SECRET },
    grant: { type: 'client_credentials' },
    dpop: true,
  });
  const [one, other] = [createAuthManager({ provider }), createAuthManager({ provider })];
  for (const manager of [one, one, other]) await manager.forceRefresh('read');

  expect((await one.getValidToken('read')).type).toBe('DPoP');
  expect((await provedKeys(server)).size).toBe(2);
});

test('where DPoP is not offered, tokens are bearer tokens if that will do, and otherwise nothing is sent', async () => {
  const server = await startOAuthServer({ clients: [CLI], dpop: false });
  const { manager } = await boundClient(server);
  expect((await manager.getValidToken()).type).toBe('Bearer');

  const refreshToken = await server.login('cli', 'openid offline_access read write');
  const provider = createOAuthProvider({ issuer: server.issuer, clientId: 'cli', dpop: true });
  const seen = server.seen.length;
  await expect(createAuthManager({ provider, refreshToken }).getValidToken()).rejects.toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('does not say that it binds tokens') as string,
  });
  expect(server.seen).toHaveLength(seen);
});
