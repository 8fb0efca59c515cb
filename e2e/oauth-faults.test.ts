import { createAuthManager, createOAuthProvider } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { startBoundLogin } from './support/oauth-bound-login.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import { runOAuthProgram, startOAuthLogin } from './support/oauth-login.js';
import { startOAuthServer, type Trouble } from './support/oauth-server.js';

const DOCUMENT = '/.well-known/openid-configuration';

const FAULTS: readonly [string, Trouble][] = [
  ['a 503', { status: 503, headers: { 'retry-after': '1' } }],
  ['a dropped connection', 'dropped'],
  ['an answer that is lost', 'lost'],
  ['an answer that is slow', { slowMs: 1_500 }],
  ['a page of a captive portal', { status: 200, body: '<html>sign in</html>' }],
];

test.each(FAULTS)('%s costs a service that mints its tokens nothing but the time', async (_what, trouble) => {
  const server = await startOAuthServer({ clients: [service('client_secret_basic')] });
  const provider = createOAuthProvider({
    issuer: server.issuer,
    clientId: 'service',
    clientAuthentication: { method: 'client_secret', clientSecret: ODD_SECRET },
    grant: { type: 'client_credentials' },
    requestTimeoutMs: 1_000,
  });
  server.next(trouble);

  const token = await createAuthManager({ provider }).getValidToken('read');

  expect(token.scopes).toEqual(['read']);
});

test.each(FAULTS)('where refresh tokens are not rotated, %s costs no login', async (_what, trouble) => {
  const server = await startOAuthServer({ clients: [CLI], configuration: { rotateRefreshToken: false } });
  const login = await startOAuthLogin(server, { LOGIN_TIMEOUT_MS: '1000' });
  server.next(trouble);

  const ends = await Promise.all([runOAuthProgram(login), runOAuthProgram(login)]);

  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  expect(server.revoked()).toBe(0);
});

test.each<[string, Trouble]>([
  ['a 503', { status: 503, headers: { 'retry-after': '1' } }],
  ['a dropped connection', 'dropped'],
])('%s between a bound login and a server that wants nonces costs no login', async (_what, trouble) => {
  const login = await startBoundLogin(await startOAuthServer({ clients: [CLI], dpopNonces: true }));
  login.server.next(trouble);

  expect((await runOAuthProgram(login)).code).toBe(0);
  expect(login.server.revoked()).toBe(0);
});

test.each<[string, Trouble]>([
  ['answers 503', { status: 503 }],
  ['drops connections', 'dropped'],
])('once it was discovered, an issuer whose document %s is no trouble', async (_what, trouble) => {
  const server = await startOAuthServer({ clients: [CLI] });
  const login = await startOAuthLogin(server);
  expect((await runOAuthProgram(login)).code).toBe(0);
  server.always(DOCUMENT, trouble);

  expect((await runOAuthProgram(login, { OAUTH_SCOPE: 'read' })).code).toBe(0);
  expect(server.refreshes()).toBe(2);
});
