import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createOAuthProvider, Secret, type OAuthProviderOptions } from '../../src/index.js';
import { outcomeOf } from '../support/setup.js';

const GOOGLE = read('google.json');
const ENTRA = read('entra-common.json');
const TENANT = 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0';

function read(name: string): string {
  return readFileSync(new URL(`documents/${name}`, import.meta.url), 'utf8');
}

/** Entra's document as a tenant's own is: with its id in place of what stands for any. */
function tenantDocument(): string {
  const [, id = ''] = /\.com\/([^/]+)\//.exec(TENANT) ?? [];
  return ENTRA.replaceAll('{tenantid}', id).replaceAll('/common/', `/${id}/`);
}

type Sent = { readonly url: string; readonly form: URLSearchParams; readonly authorization: string | null };

/** A provider at an issuer that publishes `document`, whose endpoints give a token to whoever asks. */
function providerAt(issuer: string, document: string, more: Partial<OAuthProviderOptions> = {}) {
  const sent: Sent[] = [];
  const send: typeof fetch = (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (init?.method === 'GET') {
      const isIt = url === `${issuer}/.well-known/openid-configuration`;
      return Promise.resolve(new Response(isIt ? document : '', { status: isIt ? 200 : 404 }));
    }
    const form = new URLSearchParams(init?.body as string);
    sent.push({ url, form, authorization: new Headers(init?.headers).get('authorization') });
    return Promise.resolve(Response.json({ access_token: 'a-1', token_type: 'Bearer', expires_in: 3_599 }));
  };
  return { provider: createOAuthProvider({ issuer, clientId: 'cli', fetch: send, ...more }), sent };
}

const REFRESH = { grantType: 'refresh_token', refreshToken: new Secret('r-1') } as const;
const TOKEN = { token: new Secret('a-1'), kind: 'access_token' } as const;
const SECRET = { method: 'client_secret', clientSecret: 's3cret' } as const;

test('Google: refreshes and revokes at the endpoints that it publishes, and says nothing of its tokens', async () => {
  const { provider, sent } = providerAt('https://accounts.google.com', GOOGLE, {
    clientAuthentication: SECRET,
    dpop: 'if-offered',
  });

  expect((await provider.requestToken(REFRESH)).token.type).toBe('Bearer');
  await provider.revoke(TOKEN);

  expect(sent.map(({ url }) => url)).toEqual([
    'https://oauth2.googleapis.com/token',
    'https://oauth2.googleapis.com/revoke',
  ]);
  expect(sent[0]?.authorization).toMatch(/^Basic /);
  expect(await outcomeOf(provider.introspect(TOKEN))).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
});

test('Google: the key file of a service account is all that a robot needs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'km-google-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const keyFile = join(folder, 'robot.json');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = {
    type: 'service_account',
    private_key_id: 'k-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'robot@project.iam.gserviceaccount.com',
    token_uri: 'https://oauth2.googleapis.com/token',
  };
  writeFileSync(keyFile, JSON.stringify(file), { mode: 0o600 });
  const grant = { type: 'jwt_bearer', keyFile, scopesIn: 'assertion' } as const;
  const { provider, sent } = providerAt('https://accounts.google.com', GOOGLE, { grant });

  await provider.requestToken({
    grantType: 'provider',
    grantName: 'jwt',
    scopes: ['https://www.googleapis.com/auth/pubsub'],
  });

  expect(sent[0]?.form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  expect(decodeJwt(sent[0]?.form.get('assertion') ?? '')).toMatchObject({
    iss: 'robot@project.iam.gserviceaccount.com',
    aud: 'https://oauth2.googleapis.com/token',
    scope: 'https://www.googleapis.com/auth/pubsub',
  });
});

test("Entra: a tenant's own issuer works; the common one, which is nobody's, says what to give in its place", async () => {
  const { provider, sent } = providerAt(TENANT, tenantDocument(), { scopes: ['offline_access'] });
  await provider.requestToken(REFRESH);
  expect(sent.map(({ url }) => url)).toEqual([TENANT.replace('/v2.0', '/oauth2/v2.0/token')]);
  expect(await outcomeOf(provider.revoke(TOKEN))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('it ends no tokens early') as string,
  });

  const common = providerAt('https://login.microsoftonline.com/common/v2.0', ENTRA);
  const error = await outcomeOf(common.provider.requestToken(REFRESH));
  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect((error as Error).message).toContain('with your own tenant in place of what is in braces');
  expect(common.sent).toEqual([]);
});
