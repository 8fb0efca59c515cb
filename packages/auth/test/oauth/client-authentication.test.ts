import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import {
  createOAuthProvider,
  type ClientAuthentication,
  type OAuthProviderOptions,
} from '../../src/index.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer, type FakeIssuer } from './fake-issuer.js';

const MINT = { grantType: 'provider', grantName: 'client_credentials', scopes: ['read'] } as const;

/** What RFC 6749 allows in a secret and much software gets wrong. */
const ODD_SECRET = 'p@ss:w%rd+ &=/?#"\\~-_.!*\'()';

async function mintWith(
  issuer: FakeIssuer,
  clientAuthentication: ClientAuthentication,
  more: Partial<OAuthProviderOptions> = {},
): Promise<void> {
  const provider = createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'svc:1',
    clientAuthentication,
    grant: { type: 'client_credentials' },
    ...more,
  });
  await provider.requestToken(MINT);
}

function keyFile(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-key-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

const EC = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The claims of the assertion that was sent, once its signature is known to be good. */
async function sentClaims(issuer: FakeIssuer, publicKey: KeyObject): Promise<JWTPayload> {
  const [form] = issuer.forms('/token').slice(-1);
  expect(form).toMatchObject({
    client_id: 'svc:1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
  return (await jwtVerify(form?.['client_assertion'] ?? '', publicKey)).payload;
}

/** RFC 6749 §2.3.1: each half form-encoded, then joined. */
function basicHalves(header: string | undefined): string[] {
  const decoded = Buffer.from((header ?? '').replace(/^Basic /, ''), 'base64').toString();
  return decoded.split(':').map((half) => decodeURIComponent(half.replaceAll('+', '%20')));
}

test('basic authentication encodes id and secret, so that no odd character is taken for another', async () => {
  const issuer = await startFakeIssuer();

  await mintWith(issuer, { method: 'client_secret_basic', clientSecret: ODD_SECRET });

  const [request] = issuer.to('/token');
  expect(basicHalves(request?.headers.authorization)).toEqual(['svc:1', ODD_SECRET]);
  expect(issuer.forms('/token')).toEqual([{ grant_type: 'client_credentials', scope: 'read' }]);
});

test('with client_secret_post id and secret are in the form, and in no header', async () => {
  const issuer = await startFakeIssuer();

  await mintWith(issuer, { method: 'client_secret_post', clientSecret: ODD_SECRET });

  expect(issuer.forms('/token')).toMatchObject([{ client_id: 'svc:1', client_secret: ODD_SECRET }]);
  expect(issuer.to('/token')[0]?.headers.authorization).toBeUndefined();
});

test.each([
  [undefined, 'basic'],
  [['client_secret_basic', 'client_secret_post'], 'basic'],
  [['client_secret_post', 'private_key_jwt'], 'post'],
  [['private_key_jwt'], 'basic'],
])('where the issuer takes %j, a client secret goes by %s', async (methods, way) => {
  const issuer = await startFakeIssuer();
  issuer.metadata['token_endpoint_auth_methods_supported'] = methods;

  await mintWith(issuer, { method: 'client_secret', clientSecret: 's3cret' });

  expect('client_secret' in (issuer.forms('/token')[0] ?? {})).toBe(way === 'post');
  expect(issuer.to('/token')[0]?.headers.authorization === undefined).toBe(way === 'post');
});

/** Node 20 may wait for ever where a key that was just made is written as a JWK. */
function readAnew(key: KeyObject): KeyObject {
  return createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' }));
}

test.each([
  ['PKCS #8', (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' })],
  ['SEC 1', (key: KeyObject) => key.export({ type: 'sec1', format: 'pem' }) as string],
  ['a JWK', (key: KeyObject) => JSON.stringify(readAnew(key).export({ format: 'jwk' }))],
])('private_key_jwt signs with a key in %s, for the issuer, good for a minute', async (_what, write) => {
  const issuer = await startFakeIssuer();
  const { publicKey, privateKey } = EC();

  await mintWith(issuer, { method: 'private_key_jwt', keyFile: keyFile(write(privateKey)) });

  const claims = await sentClaims(issuer, publicKey);
  expect(claims).toMatchObject({ iss: 'svc:1', sub: 'svc:1', aud: issuer.origin });
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(60);
  expect(claims.jti).toMatch(/.{16}/);
});

test.each([
  ['RS256', 'rsa', {}],
  ['PS256', 'rsa', { algorithm: 'PS256' }],
  ['ES384', 'ec384', {}],
  ['Ed25519', 'ed25519', {}],
  ['EdDSA', 'ed25519', { algorithm: 'EdDSA' }],
])('private_key_jwt signs with %s', async (algorithm, kind, more) => {
  const issuer = await startFakeIssuer();
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec384'
        ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
        : generateKeyPairSync('ed25519');
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });

  await mintWith(issuer, { method: 'private_key_jwt', keyFile: keyFile(pem), keyId: 'key-7', ...more });

  await sentClaims(issuer, pair.publicKey);
  const assertion = issuer.forms('/token')[0]?.['client_assertion'] ?? '';
  expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: algorithm, kid: 'key-7' });
});

test('the audience of the assertion can be named, for servers that want their token endpoint', async () => {
  const issuer = await startFakeIssuer();
  const { publicKey, privateKey } = EC();
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });

  const audience = `${issuer.origin}/token`;
  await mintWith(issuer, { method: 'private_key_jwt', keyFile: keyFile(pem), audience });

  expect(await sentClaims(issuer, publicKey)).toMatchObject({ aud: audience });
});

test('the key file is read for each request, so that a renewed key is used at once', async () => {
  const issuer = await startFakeIssuer();
  const [first, second] = [EC(), EC()];
  const path = keyFile(first.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const provider = createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'svc:1',
    clientAuthentication: { method: 'private_key_jwt', keyFile: path },
    grant: { type: 'client_credentials' },
  });
  await provider.requestToken(MINT);
  writeFileSync(path, second.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await provider.requestToken(MINT);

  await sentClaims(issuer, second.publicKey);
});

test("a wrong clock is put right by the issuer's Date before anything is signed again", async () => {
  const issuer = await startFakeIssuer();
  const serverMs = Date.now() + 3_600_000;
  const date = new Date(serverMs).toUTCString();
  issuer.replies.set('/token', () => json({ error: 'invalid_client' }, 401, { date }));
  const { publicKey, privateKey } = EC();
  const provider = createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'svc:1',
    clientAuthentication: {
      method: 'private_key_jwt',
      keyFile: keyFile(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    },
    grant: { type: 'client_credentials' },
  });
  await outcomeOf(provider.requestToken(MINT));
  await outcomeOf(provider.requestToken(MINT));

  const assertion = issuer.forms('/token')[1]?.['client_assertion'] ?? '';
  const { payload } = await jwtVerify(assertion, publicKey, { currentDate: new Date(serverMs) });
  expect(Math.abs((payload.iat ?? 0) * 1_000 - serverMs)).toBeLessThan(10_000);
});

test.each([
  ['that is not there', '/nowhere/key.pem', 'there is no such file'],
  ['with no key in it', undefined, 'no private key'],
])('a key file %s is said, with its name and not its content', async (_what, path, why) => {
  const issuer = await startFakeIssuer();
  const file = path ?? keyFile('-----BEGIN TOP SECRET-----');

  const error = await outcomeOf(mintWith(issuer, { method: 'private_key_jwt', keyFile: file }));

  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect((error as Error).message).toContain(file);
  expect((error as Error).message).toContain(why);
  expect((error as Error).message).not.toContain('TOP SECRET');
});

test('an algorithm that does not fit the key is said', async () => {
  const issuer = await startFakeIssuer();
  const path = keyFile(EC().privateKey.export({ type: 'pkcs8', format: 'pem' }));

  const wrong = { method: 'private_key_jwt', keyFile: path, algorithm: 'RS256' } as const;
  expect(await outcomeOf(mintWith(issuer, wrong))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('RS256') as string,
  });
});

test('a fetch that was given cannot show a client certificate, and says so', async () => {
  const issuer = await startFakeIssuer();
  const pem = keyFile('pem');

  const error = await outcomeOf(
    mintWith(
      issuer,
      { method: 'tls_client_auth', certificateFile: pem, keyFile: pem },
      { fetch: (input, init) => fetch(input, init) },
    ),
  );

  expect((error as Error).message).toContain('client certificate');
  expect(issuer.received).toEqual([]);
});

test('the client secret is in no error, whatever the server says', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', () =>
    json({ error: 'invalid_client', error_description: `no client with secret hunter22` }, 401),
  );

  const error = await outcomeOf(mintWith(issuer, { method: 'client_secret_post', clientSecret: 'hunter22' }));

  expect((error as Error).message).toContain('[redacted]');
  expect(JSON.stringify(error) + (error as Error).message).not.toContain('hunter22');
});
