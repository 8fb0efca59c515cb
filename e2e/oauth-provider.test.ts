import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  decodeClaims,
  type AuthManager,
  type ClientAuthentication,
  type OAuthProviderOptions,
} from '@kilometers/auth';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { newKeyPair } from './support/key-pair.js';
import { makeCertificates } from './support/oauth-certificates.js';
import { certifiedService, CLI, keyedService, ODD_SECRET, service } from './support/oauth-clients.js';
import { JWT_API, OPAQUE_API, startOAuthServer, type OAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';

/** A manager of a service that mints by itself. */
function minting(
  server: OAuthServer,
  clientId: string,
  clientAuthentication: ClientAuthentication,
  more: Partial<OAuthProviderOptions> = {},
): AuthManager {
  const grant = { type: 'client_credentials' } as const;
  const options = { issuer: server.issuer, clientId, clientAuthentication, grant, ...more };
  return createAuthManager({ provider: createOAuthProvider(options), maxRetries: 0 });
}

/** A login at the server, and managers of it. */
const APIS = { [JWT_API]: 'read write', [OPAQUE_API]: 'read write' };

async function loggedIn(
  server: OAuthServer,
  scope = 'openid offline_access read write',
  resources: Readonly<Record<string, string>> = {},
) {
  const refreshToken = await server.login('cli', scope, { resources });
  const cache = createMemoryCache();
  const open = (options: Partial<OAuthProviderOptions> = {}): AuthManager =>
    createAuthManager({
      provider: createOAuthProvider({ issuer: server.issuer, clientId: 'cli', ...options }),
      refreshToken,
      cache,
    });
  return { refreshToken, cache, open };
}

function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it worked'),
    (error: unknown) => error as Error,
  );
}

/** Whether the server still takes a token. */
async function isActive(server: OAuthServer, token: string): Promise<boolean> {
  const model =
    (await server.provider.AccessToken.find(token)) ?? (await server.provider.RefreshToken.find(token));
  return model?.isValid === true;
}

test.each(['client_secret_basic', 'client_secret_post'] as const)(
  'a service with a secret of odd characters mints tokens by %s',
  async (method) => {
    const server = await startOAuthServer({ clients: [service(method)] });
    for (const chosen of [method, 'client_secret'] as const) {
      if (chosen === 'client_secret' && method === 'client_secret_post') continue;
      const manager = minting(server, 'service', { method: chosen, clientSecret: ODD_SECRET });
      const token = await manager.getValidToken('read');
      expect(token.scopes).toEqual(['read']);
      expect(token.lifetimeMs).toBe(60_000);
    }
    const wrong = minting(server, 'service', { method, clientSecret: `${ODD_SECRET}x` });
    expect(await failureOf(wrong.getValidToken('read'))).toMatchObject({
      code: 'KM_AUTH_CONFIGURATION',
      message: expect.stringMatching(
        /invalid_client \(client authentication failed\); .*check the client id/s,
      ) as string,
    });
  },
);

test('a service with a key mints tokens by private_key_jwt', async () => {
  const { privateKey, publicKey } = newKeyPair('rsa');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
  const server = await startOAuthServer({ clients: [keyedService(jwk)] });
  const keyFile = join(temporaryFolder(), 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));

  const token = await minting(server, 'keyed', {
    method: 'private_key_jwt',
    keyFile,
    keyId: 'k1',
  }).getValidToken('read');

  expect(token.scopes).toEqual(['read']);
});

test('a service with a certificate mints tokens over mutual TLS, and one without is refused', async () => {
  const { caFile, server: tls, client, stranger } = makeCertificates();
  const server = await startOAuthServer({
    clients: [certifiedService(client.subject)],
    tls: { ...tls, ca: readFileSync(caFile), requestCert: true, rejectUnauthorized: false },
  });

  const token = await minting(server, 'certified', {
    method: 'tls_client_auth',
    ...client,
    caFile,
  }).getValidToken('read');
  expect(token.scopes).toEqual(['read']);

  const refused = minting(server, 'certified', { method: 'tls_client_auth', ...stranger, caFile });
  expect(await failureOf(refused.getValidToken('read'))).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  const distrusting = minting(server, 'certified', { method: 'tls_client_auth', ...client });
  expect(await failureOf(distrusting.getValidToken('read'))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: expect.stringContaining('certificate') as string,
  });
});

test('tokens of two seconds are renewed in time, each refresh token used once', async () => {
  const server = await startOAuthServer({ clients: [CLI], tokenTtl: 2 });
  const { open } = await loggedIn(server);
  const manager = open();
  const seen = new Set<string>();
  await until('five tokens have come', async () => {
    const token = await manager.getValidToken();
    return seen.add(token.reveal()).size === 5;
  });

  await manager.stop();
  expect(server.revoked()).toBe(0);
  const sent = server.seen.map(({ body }) => body.get('refresh_token'));
  expect(new Set(sent).size).toBe(sent.length);
});

test('a scope of the login gets a token for it alone; one outside it says which login to run', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { open } = await loggedIn(server, 'openid offline_access read');
  const manager = open();

  expect((await manager.getValidToken('read')).scopes).toEqual(['read']);
  expect((await manager.getValidToken()).scopes).toEqual(['openid', 'offline_access', 'read']);
  expect(await failureOf(manager.getValidToken('write'))).toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: expect.stringMatching(/invalid_scope .*log in with the scope; run `km auth login`/) as string,
  });
  expect((await manager.getValidToken('openid')).scopes).toEqual(['openid']);
  expect(server.revoked()).toBe(0);
});

test('one login gives tokens for two APIs, one of JWTs and one that asks the server', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { open } = await loggedIn(server, undefined, APIS);
  const [forJwt, forOpaque] = [open({ resources: [JWT_API] }), open({ resources: [OPAQUE_API] })];

  const [jwt, opaque] = [await forJwt.getValidToken('read'), await forOpaque.getValidToken('read')];

  expect(decodeClaims(jwt)).toMatchObject({ subject: 'somebody', scopes: ['read'] });
  expect(decodeClaims(opaque)).toBeUndefined();
  expect(await forJwt.getValidToken('read')).toBe(jwt);
  expect(server.revoked()).toBe(0);
});

test('a resource that the server does not know is refused in words', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { open } = await loggedIn(server, undefined, APIS);

  const error = await failureOf(open({ resources: ['https://other.example/'] }).getValidToken('read'));

  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect(error.message).toMatch(/invalid_target .*check the resource/);
});

test('after somebody else has used the refresh token the login is over, and the error says so', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { open, refreshToken, cache } = await loggedIn(server);
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: 'cli',
  });
  expect((await fetch(`${server.issuer}/token`, { method: 'POST', body })).status).toBe(200);

  const error = await failureOf(open().getValidToken());

  expect(error).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(error.message).toMatch(/invalid_grant .*used before.*run `km auth login`/);
  const [key] = await cache.listGrants();
  expect((await cache.getGrant(key!))?.refreshToken).toBeUndefined();
  expect(server.revoked()).toBe(1);
});

test('a revoked refresh token ends the login and its tokens', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { open, cache } = await loggedIn(server);
  const provider = createOAuthProvider({ issuer: server.issuer, clientId: 'cli' });
  const token = await open().getValidToken();
  const [key] = await cache.listGrants();
  const refreshToken = (await cache.getGrant(key!))?.refreshToken?.secret;
  expect(await isActive(server, token.reveal())).toBe(true);

  await provider.revoke({ token: refreshToken!, kind: 'refresh_token' });

  expect(await isActive(server, refreshToken!.reveal())).toBe(false);
  expect(await isActive(server, token.reveal())).toBe(false);
  // What is no token any more may be revoked once more: RFC 7009 §2.2.
  await provider.revoke({ token: refreshToken!, kind: 'refresh_token' });
});
