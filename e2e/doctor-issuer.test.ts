import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksOf } from './support/doctor.js';
import { environment } from './support/km.js';
import { makeCertificates } from './support/oauth-certificates.js';
import { CLI } from './support/oauth-clients.js';
import { at, kilometersFolder, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer, type Trouble } from './support/oauth-server.js';

const OPENID_DOCUMENT = '/.well-known/openid-configuration';
const OAUTH_DOCUMENT = '/.well-known/oauth-authorization-server';
const PAGE: Trouble = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>sign in</html>' };

/** Somebody whose profile is at `issuer`, and who is not logged in. */
function profileAt(issuer: string, more: object = {}): Record<string, string> {
  const env = environment();
  mkdirSync(kilometersFolder(env), { recursive: true });
  const provider = { issuer, clientId: 'cli', login: 'browser', ...more };
  const text = JSON.stringify({ profiles: { default: { provider } } });
  writeFileSync(join(kilometersFolder(env), 'config.json'), text, { mode: 0o600 });
  return env;
}

test('an issuer that publishes the document of RFC 8414 alone is well, for who logs in there is', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  server.always(OPENID_DOCUMENT, { status: 404 });
  const { env } = await logInByWeb([...at(server), ...WEB]);
  const { code, find } = await checksOf(env);
  expect(code).toBe(0);
  expect(find('endpoint')).toMatchObject({
    state: 'ok',
    detail: `${server.issuer}${OAUTH_DOCUMENT} answers`,
  });
  expect(find('clock')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^within/) as string });
});

test.each<[string, Trouble, RegExp]>([
  ['a page of a captive portal', PAGE, /captive portal/],
  ['nothing', { status: 404 }, /publishes no discovery document/],
  ['a 503', { status: 503 }, /status 503/],
])('an issuer that answers with %s is not', async (_, trouble, detail) => {
  const server = await startOAuthServer({ clients: [CLI] });
  for (const path of [OPENID_DOCUMENT, OAUTH_DOCUMENT]) server.always(path, trouble);
  const { code, find } = await checksOf(profileAt(server.issuer));
  expect(code).toBe(1);
  expect(find('endpoint')).toMatchObject({
    state: 'failed',
    detail: expect.stringMatching(detail) as string,
  });
});

test('one that nobody listens at cannot be reached', async () => {
  const { find } = await checksOf(profileAt('http://127.0.0.1:9'));
  expect(find('endpoint')?.detail).toMatch(
    /^http:\/\/127\.0\.0\.1:9 cannot be reached: connect ECONNREFUSED/,
  );
  expect(find('endpoint')?.remedy).toBe('check the network, and the issuer that the profile logs in at');
  expect(find('tls')).toBeUndefined();
});

test('one whose certificate nobody trusts is told from one that cannot be reached', async () => {
  const { server: tls, caFile } = makeCertificates();
  const server = await startOAuthServer({ clients: [CLI], tls });
  const env = profileAt(server.issuer);
  const { code, find } = await checksOf(env);
  expect(code).toBe(1);
  for (const name of ['endpoint', 'tls'])
    expect(find(name)).toMatchObject({
      state: 'failed',
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
  const trusting = await checksOf({ ...env, NODE_EXTRA_CA_CERTS: caFile });
  for (const name of ['endpoint', 'tls']) expect(trusting.find(name)?.state).toBe('ok');
});

test.each<[string, object, string]>([
  [
    'a way of client authentication that there is not',
    { method: 'tls_client_aut' },
    'provider.clientAuthentication in config.json must be an object whose method is one of none,',
  ],
  [
    'a certificate without its key',
    { method: 'tls_client_auth', certificateFile: '/nowhere/client.pem' },
    ' needs a keyFile and a certificateFile: log in again with it',
  ],
  [
    'a certificate that is not there',
    {
      method: 'tls_client_auth',
      certificateFile: '/nowhere/client.pem',
      keyFile: '/nowhere/client.key',
    },
    'the client certificate /nowhere/client.pem cannot be used: there is no such file',
  ],
])('what is wrong with the profile, as %s, is not put down to the network', async (_, more, detail) => {
  const server = await startOAuthServer({ clients: [CLI] });
  const { code, find } = await checksOf(profileAt(server.issuer, { clientAuthentication: more }));
  expect(code).toBe(1);
  expect(find('endpoint')).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining(detail) as string,
    remedy: 'do what it says, then run km doctor again',
  });
});

test('a secret that the client has is not needed to look', async () => {
  const server = await startOAuthServer({ clients: [CLI] });
  const env = profileAt(server.issuer, {
    login: 'client',
    clientAuthentication: { method: 'client_secret' },
    endpoints: { revocation: `${server.issuer}/elsewhere` },
  });
  expect((await checksOf(env)).find('endpoint')?.detail).toBe(`${server.issuer}${OPENID_DOCUMENT} answers`);
});

test('one whose token endpoint is given by hand is not asked, as at a login', async () => {
  const endpoints = { token: 'http://127.0.0.1:9/token' };
  const { find } = await checksOf(profileAt('http://127.0.0.1:9', { endpoints }));
  expect(find('endpoint')).toMatchObject({
    state: 'ok',
    detail: expect.stringContaining('by hand') as string,
  });
});
