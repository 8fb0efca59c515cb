import { createAuthManager, createMemoryCache, createOAuthProvider } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { proofIn } from './support/oauth-bound-login.js';
import { CLI } from './support/oauth-clients.js';
import { OPAQUE_API, startOAuthServer, type OAuthServerOptions } from './support/oauth-server.js';

async function loggedIn(options: Partial<OAuthServerOptions> = {}, resources: readonly string[] = []) {
  const server = await startOAuthServer({ clients: [CLI], ...options });
  const provider = createOAuthProvider({
    issuer: server.issuer,
    clientId: 'cli',
    dpop: 'if-offered',
    resources,
  });
  const cache = createMemoryCache();
  const refreshToken = await server.login('cli', 'openid offline_access read write', {
    resources: Object.fromEntries(resources.map((resource) => [resource, 'read write'])),
  });
  const manager = createAuthManager({ provider, refreshToken, cache });
  const stored = async () => cache.getGrant((await cache.listGrants())[0]!);
  return { server, provider, manager, stored };
}

test('the issuer says how a token is: active, for whom, for what, until when, and bound to which key', async () => {
  const { server, provider, manager, stored } = await loggedIn({ dpopNonces: true }, [OPAQUE_API]);
  const askedAtMs = Date.now();
  const token = await manager.getValidToken('read');
  const answeredAtMs = Date.now();

  const said = await provider.introspect({ token, kind: 'access_token' });

  expect(said).toMatchObject({
    isActive: true,
    scopes: ['read'],
    clientId: 'cli',
    subject: 'somebody',
    audience: [OPAQUE_API],
    tokenType: 'DPoP',
    keyThumbprint: (await proofIn(server.seen[0]!)).thumbprint,
  });
  // It lives for a minute, and the issuer counts in whole seconds.
  for (const expiresAtMs of [said.expiresAtMs, token.expiresAtMs]) {
    expect(expiresAtMs).toBeGreaterThanOrEqual(askedAtMs + 59_000);
    expect(expiresAtMs).toBeLessThanOrEqual(answeredAtMs + 60_000);
  }
  const refreshToken = (await stored())!.refreshToken!.secret;
  expect(await provider.introspect({ token: refreshToken, kind: 'refresh_token' })).toMatchObject({
    isActive: true,
  });
});

test('of a token that was revoked the issuer says that it is not active, and nothing else', async () => {
  const { provider, manager } = await loggedIn();
  const token = await manager.getValidToken('read');
  await provider.revoke({ token, kind: 'access_token' });

  expect(await provider.introspect({ token, kind: 'access_token' })).toEqual({ isActive: false });
});

test('an issuer that says nothing of its tokens is told in words', async () => {
  const { provider, manager } = await loggedIn({ introspection: false });
  const token = await manager.getValidToken('read');

  await expect(provider.introspect({ token, kind: 'access_token' })).rejects.toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining(
      'has no introspection_endpoint: it says nothing of its tokens',
    ) as string,
  });
});
