import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createOAuthProvider, Secret, type HttpRequest, type OAuthProviderOptions } from '../../src/index.js';

const ISSUER = 'https://issuer.example';
const MTLS = 'https://mtls.issuer.example';
const MINT = { grantType: 'provider', grantName: 'client_credentials', scopes: ['read'] } as const;

const METADATA = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/token`,
  revocation_endpoint: `${ISSUER}/revoke`,
  introspection_endpoint: `${ISSUER}/introspect`,
  dpop_signing_alg_values_supported: ['ES256'],
  mtls_endpoint_aliases: { token_endpoint: `${MTLS}/token`, revocation_endpoint: `${MTLS}/revoke` },
};

/** A client of an issuer that has other endpoints for those that show a certificate, and what it asked. */
function clientOf(more: Partial<OAuthProviderOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'km-mtls-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const pem = join(folder, 'client.pem');
  writeFileSync(pem, 'pem');
  const asked: HttpRequest[] = [];
  const answer = (path: string): object => {
    if (path.startsWith('/.well-known/')) return METADATA;
    return path === '/introspect'
      ? { active: true }
      : { access_token: 'a-1', token_type: 'DPoP', expires_in: 3_600 };
  };
  const provider = createOAuthProvider({
    issuer: ISSUER,
    clientId: 'svc',
    clientAuthentication: { method: 'tls_client_auth', certificateFile: pem, keyFile: pem },
    grant: { type: 'client_credentials' },
    dpop: true,
    transport: async (request) => {
      asked.push(request);
      const text = JSON.stringify(answer(request.url.pathname));
      return { status: 200, headers: { 'content-type': 'application/json' }, text };
    },
    ...more,
  });
  return { provider, asked };
}

test('a client that shows a certificate asks the endpoints for such clients, and its proof names the one that it asks', async () => {
  const { provider, asked } = clientOf();
  await provider.requestToken(MINT);
  await provider.revoke({ token: new Secret('t'), kind: 'access_token' });
  await provider.introspect({ token: new Secret('t'), kind: 'access_token' });

  const [, minting, ...others] = asked;
  expect(minting?.url.href).toBe(`${MTLS}/token`);
  expect(decodeJwt(minting?.headers['dpop'] ?? '')).toMatchObject({ htm: 'POST', htu: `${MTLS}/token` });
  expect(others.map(({ url }) => url.href)).toEqual([`${MTLS}/revoke`, `${ISSUER}/introspect`]);
});

test('an endpoint that was given by hand goes before those', async () => {
  const { provider, asked } = clientOf({ endpoints: { revocation: 'https://by-hand.example/revoke' } });
  await provider.requestToken(MINT);
  await provider.revoke({ token: new Secret('t'), kind: 'access_token' });

  const [, ...others] = asked;
  expect(others.map(({ url }) => url.href)).toEqual([`${MTLS}/token`, 'https://by-hand.example/revoke']);
});

test('another client asks the usual ones', async () => {
  const { provider, asked } = clientOf({
    clientAuthentication: { method: 'client_secret', clientSecret: 's3cret' },
  });
  await provider.requestToken(MINT);

  expect(asked.at(-1)?.url.href).toBe(`${ISSUER}/token`);
});
