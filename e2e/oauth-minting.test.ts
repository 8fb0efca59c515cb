import type { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  type AuthManager,
  type OAuthGrant,
  type OAuthProviderOptions,
} from '@kilometers/auth';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { newKeyPair } from './support/key-pair.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import {
  allowJwtBearer,
  allowTokenExchange,
  JWT_BEARER,
  TOKEN_EXCHANGE,
} from './support/oauth-minting-grants.js';
import { startOAuthServer, type OAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';

const serviceThat = (grantType: string) => ({
  ...service('client_secret_basic'),
  grant_types: ['client_credentials', grantType],
});

/** A manager of the service, whose tokens are minted by `grant`. */
function minting(
  server: OAuthServer,
  grant: OAuthGrant,
  more: Partial<OAuthProviderOptions> = {},
  cache = createMemoryCache(),
): AuthManager {
  const clientAuthentication = { method: 'client_secret', clientSecret: ODD_SECRET } as const;
  const options = { issuer: server.issuer, clientId: 'service', clientAuthentication, grant, ...more };
  return createAuthManager({ provider: createOAuthProvider(options), cache, maxRetries: 0 });
}

function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it worked'),
    (error: unknown) => error as Error,
  );
}

/** A server that exchanges tokens, and somebody's login at it. */
async function exchanging(tokenTtl = 60) {
  const server = await startOAuthServer({
    clients: [CLI, serviceThat(TOKEN_EXCHANGE)],
    tokenTtl,
    prepare: allowTokenExchange,
  });
  const refreshToken = await server.login('cli', 'openid offline_access read write');
  const login = createAuthManager({
    provider: createOAuthProvider({ issuer: server.issuer, clientId: 'cli' }),
    refreshToken,
  });
  const subjectOf = (subjectId: string): OAuthGrant => ({
    type: 'token_exchange',
    subjectToken: () => login.getValidToken(),
    subjectId,
  });
  return { server, login, subjectOf };
}

/** What the server knows of a token. */
const tokenAt = (server: OAuthServer, token: string) => server.provider.AccessToken.find(token);

test('a token of the login is exchanged for one with fewer scopes, for another API, and the login stays as it is', async () => {
  const { server, login, subjectOf } = await exchanging();
  const parent = await login.getValidToken();

  const child = await minting(server, subjectOf('me'), { audience: 'https://b.example/' }).getValidToken(
    'read',
  );

  expect(child.scopes).toEqual(['read']);
  expect(await tokenAt(server, child.reveal())).toMatchObject({
    accountId: 'somebody',
    aud: 'https://b.example/',
  });
  expect(await login.getValidToken()).toBe(parent);
  const [, exchange] = server.seen;
  expect(Object.fromEntries(exchange!.body)).toEqual({
    grant_type: TOKEN_EXCHANGE,
    subject_token: parent.reveal(),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'https://b.example/',
    scope: 'read',
  });
});

test('child tokens are kept like any other: by subject, audience and scope, one exchange for all who share the cache', async () => {
  const { server, subjectOf } = await exchanging();
  const cache = createMemoryCache();
  const [a, b] = [{ audience: 'https://a.example/' }, { audience: 'https://b.example/' }];
  const first = minting(server, subjectOf('me'), a, cache);
  const tokens = await Promise.all([
    ...Array.from({ length: 10 }, () => first.getValidToken('read')),
    ...Array.from({ length: 10 }, () => minting(server, subjectOf('me'), a, cache).getValidToken('read')),
  ]);
  expect(new Set(tokens.map((token) => token.reveal())).size).toBe(1);

  const others = await Promise.all([
    first.getValidToken('write'),
    minting(server, subjectOf('me'), b, cache).getValidToken('read'),
    minting(server, subjectOf('you'), a, cache).getValidToken('read'),
  ]);
  expect(new Set([...tokens, ...others].map((token) => token.reveal())).size).toBe(4);
  expect(server.seen.filter(({ body }) => body.get('grant_type') === TOKEN_EXCHANGE)).toHaveLength(4);
});

test('a child token that is over is exchanged anew, for a token of the login that is renewed if need be', async () => {
  const { server, login, subjectOf } = await exchanging(3);
  const parent = await login.getValidToken();
  const child = minting(server, subjectOf('me'));
  const first = await child.getValidToken('read');
  await server.provider.AccessToken.find(first.reveal()).then((token) => token?.destroy());
  await until('the token of the login is over', () => Date.now() > parent.expiresAtMs);

  const second = await child.forceRefresh('read', { rejected: first });

  expect(second.reveal()).not.toBe(first.reveal());
  expect(await tokenAt(server, second.reveal())).toBeDefined();
  expect(server.refreshes()).toBeGreaterThanOrEqual(2);
  expect(server.revoked()).toBe(0);
});

test('more than the login has cannot be had by an exchange, and a subject token that ended says so', async () => {
  const { server, login, subjectOf } = await exchanging();
  const child = minting(server, subjectOf('me'));
  expect(await failureOf(child.getValidToken('api:admin'))).toMatchObject({
    code: 'KM_AUTH_INVALID_SCOPE',
    message: expect.stringContaining('invalid_scope') as string,
  });

  const parent = await login.getValidToken();
  await tokenAt(server, parent.reveal()).then((token) => token?.destroy());
  const error = await failureOf(child.getValidToken('read'));
  expect(error.message).toContain('the subject token is not valid');
  expect(error.message).not.toContain(parent.reveal());
});

test('a service acts for the one who is logged in: its own token goes along as the actor', async () => {
  const { server, subjectOf } = await exchanging();
  const own = minting(server, { type: 'client_credentials' });
  const acting = minting(server, {
    ...(subjectOf('me') as OAuthGrant & { type: 'token_exchange' }),
    actorToken: () => own.getValidToken('read'),
    actorId: 'svc',
  });

  expect((await acting.getValidToken('read')).scopes).toEqual(['read']);
  const sent = server.seen.at(-1)?.body;
  expect(sent?.get('actor_token')).toBe((await own.getValidToken('read')).reveal());
  expect(sent?.get('actor_token_type')).toBe('urn:ietf:params:oauth:token-type:access_token');
});

/** A server that takes assertions signed with a key, which is in a file of this kind. */
async function asserting(write: (key: KeyObject) => string) {
  const { publicKey, privateKey } = newKeyPair('rsa');
  const robot = 'robot@project.example';
  const server = await startOAuthServer({
    clients: [serviceThat(JWT_BEARER)],
    prepare: allowJwtBearer(publicKey, robot),
  });
  const keyFile = join(temporaryFolder(), 'key');
  writeFileSync(keyFile, write(privateKey), { mode: 0o600 });
  return { server, keyFile, robot };
}

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

test.each([
  ['PEM', pem, { assertionIssuer: 'robot@project.example' }],
  [
    'a JWK',
    (key: KeyObject) => JSON.stringify(key.export({ format: 'jwk' })),
    { assertionIssuer: 'robot@project.example' },
  ],
  [
    'the file of a Google service account',
    (key: KeyObject) =>
      JSON.stringify({
        type: 'service_account',
        private_key_id: 'k-1',
        private_key: pem(key),
        client_email: 'robot@project.example',
      }),
    { scopesIn: 'assertion' },
  ],
] as const)('a key in %s mints tokens by signed assertions, each good once', async (_what, write, more) => {
  const { server, keyFile, robot } = await asserting(write);
  const manager = minting(server, { type: 'jwt_bearer', keyFile, ...more });

  const token = await manager.getValidToken('write');
  await manager.forceRefresh('write');

  expect(token.scopes).toEqual(['write']);
  expect(await tokenAt(server, token.reveal())).toMatchObject({ accountId: robot });
  expect(new Set(server.seen.map(({ body }) => body.get('assertion'))).size).toBe(2);
  expect(server.seen[0]?.body.has('scope')).toBe(!('scopesIn' in more));
});

test('a token for somebody else is asked for by subject, and has a place of its own in the cache', async () => {
  const { server, keyFile, robot } = await asserting(pem);
  const cache = createMemoryCache();
  const grant = { type: 'jwt_bearer', keyFile, assertionIssuer: robot } as const;

  const own = await minting(server, grant, {}, cache).getValidToken('read');
  const others = await minting(server, { ...grant, subject: 'ann' }, {}, cache).getValidToken('read');

  expect(await tokenAt(server, own.reveal())).toMatchObject({ accountId: robot });
  expect(await tokenAt(server, others.reveal())).toMatchObject({ accountId: 'ann' });
});

test('a key that the server does not know is refused in words that name no login', async () => {
  const { server, keyFile, robot } = await asserting(() => pem(newKeyPair('rsa').privateKey));

  const error = await failureOf(
    minting(server, { type: 'jwt_bearer', keyFile, assertionIssuer: robot }).getValidToken('read'),
  );

  expect(error).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(error.message).toMatch(/invalid_grant .*check the key or the token that was sent/);
  expect(error.message).not.toContain('log in again');
});
