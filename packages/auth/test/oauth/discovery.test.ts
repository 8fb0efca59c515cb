import { expect, test } from 'vitest';
import { lifetimeMs } from '../../src/providers/oauth/issuer-metadata.js';
import { fakeClock } from '../support/fake-clock.js';
import { drop, nowhere } from '../support/http-server.js';
import { outcomeOf } from '../support/setup.js';
import { json, OAUTH_DOCUMENT, OPENID_DOCUMENT, startFakeIssuer } from './fake-issuer.js';
import { MINT, minting, MINUTE } from './minting.js';

test('what an issuer offers is asked for once, and again when the time that it gave is over', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set(OPENID_DOCUMENT, () => json(issuer.metadata, 200, { 'cache-control': 'max-age=600' }));
  const clock = fakeClock();
  const provider = minting({ issuer: issuer.origin, clock });

  await provider.requestToken(MINT);
  clock.jumpWall(9 * MINUTE);
  await provider.requestToken(MINT);
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(1);

  clock.jumpWall(2 * MINUTE);
  await provider.requestToken(MINT);
  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(2);
});

test('a hundred requests at once ask for the document once', async () => {
  const issuer = await startFakeIssuer();
  const provider = minting({ issuer: issuer.origin });

  await Promise.all(Array.from({ length: 100 }, () => provider.requestToken(MINT)));

  expect(issuer.to(OPENID_DOCUMENT)).toHaveLength(1);
});

test.each([
  ['max-age=5', MINUTE],
  ['public, max-age=7200', 120 * MINUTE],
  ['max-age=99999999', 1_440 * MINUTE],
  ['no-store', MINUTE],
  ['private', 60 * MINUTE],
  [null, 60 * MINUTE],
])('Cache-Control %j makes a document current for %d ms', (header, expected) => {
  expect(lifetimeMs(header)).toBe(expected);
});

test('an issuer with the document of RFC 8414 alone will do', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set(OPENID_DOCUMENT, () => ({ status: 404 }));
  issuer.replies.set(OAUTH_DOCUMENT, () => json(issuer.metadata));

  const { token } = await minting({ issuer: issuer.origin }).requestToken(MINT);

  expect(token.reveal()).toBe('access-1');
});

test('the document of RFC 8414 is found between host and path of an issuer that has one', async () => {
  const issuer = await startFakeIssuer();
  issuer.metadata['issuer'] = `${issuer.origin}/tenant`;
  issuer.replies.set(`${OAUTH_DOCUMENT}/tenant`, () => json(issuer.metadata));

  const { token } = await minting({ issuer: `${issuer.origin}/tenant` }).requestToken(MINT);

  expect(token.reveal()).toBe('access-1');
  expect(issuer.to(`/tenant${OPENID_DOCUMENT}`)).toHaveLength(1);
});

test('a slash at the end of the issuer, too many or missing, is no other issuer', async () => {
  const issuer = await startFakeIssuer();
  issuer.metadata['issuer'] = `${issuer.origin}/tenant/`;
  issuer.replies.set(`/tenant${OPENID_DOCUMENT}`, () => json(issuer.metadata));

  const { token } = await minting({ issuer: `${issuer.origin}/tenant` }).requestToken(MINT);

  expect(token.reveal()).toBe('access-1');
});

test('the document of another issuer is refused, and no secret is sent to its endpoints', async () => {
  const issuer = await startFakeIssuer();
  issuer.metadata['issuer'] = 'https://login.example/{tenantid}/v2.0';

  const error = await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT));

  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect((error as Error).message).toContain('"https://login.example/{tenantid}/v2.0"');
  expect((error as Error).message).toContain('your own tenant');
  expect(issuer.to('/token')).toEqual([]);
});

test('an endpoint with plain http on another machine is refused, and nothing is sent to it', async () => {
  const issuer = await startFakeIssuer();
  issuer.metadata['token_endpoint'] = 'http://login.example/token';

  const error = await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT));

  expect(error).toMatchObject({ code: 'KM_AUTH_INSECURE_ENDPOINT' });
});

test('an issuer that publishes nothing is a matter of configuration', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set(OPENID_DOCUMENT, () => ({ status: 404 }));

  const error = await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT));

  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect((error as Error).message).toContain('give its endpoints by hand');
});

test.each([
  ['a 503', () => ({ status: 503, headers: { 'retry-after': '7' } })],
  ['a 425', () => ({ status: 425 })],
  ['a page of a captive portal', () => ({ body: '<html>sign in</html>' })],
  ['a closed connection', () => drop],
])('%s in place of the document: try later, and nothing was sent', async (_what, reply) => {
  const issuer = await startFakeIssuer();
  issuer.replies.set(OPENID_DOCUMENT, reply);
  issuer.replies.set(OAUTH_DOCUMENT, reply);

  const error = await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT));

  expect(error).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', failure: { isAnswerLost: false } });
});

test('what an issuer publishes is asked for anew when somebody wants to know, and where it was found is said', async () => {
  const issuer = await startFakeIssuer();
  const provider = minting({ issuer: issuer.origin });
  expect(await provider.discover()).toMatchObject({ documentUrl: `${issuer.origin}${OPENID_DOCUMENT}` });
  issuer.replies.set(OPENID_DOCUMENT, () => ({ status: 404 }));
  issuer.replies.set(OAUTH_DOCUMENT, () =>
    json(issuer.metadata, 200, { date: new Date(Date.now() - 60 * MINUTE).toUTCString() }),
  );
  const found = await provider.discover();
  expect(found?.documentUrl).toBe(`${issuer.origin}${OAUTH_DOCUMENT}`);
  expect(Math.round((found?.clockSkewMs ?? 0) / MINUTE)).toBe(60);
});

test('a redirect of the document is not followed', async () => {
  const issuer = await startFakeIssuer();
  const other = await startFakeIssuer();
  issuer.replies.set(OPENID_DOCUMENT, () => ({
    status: 302,
    headers: { location: `${other.origin}${OPENID_DOCUMENT}` },
  }));

  expect(await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
  });
  expect(other.received).toEqual([]);
});

test('where everything is redirected a captive portal may be at work: try later', async () => {
  const issuer = await startFakeIssuer();
  for (const path of [OPENID_DOCUMENT, OAUTH_DOCUMENT])
    issuer.replies.set(path, () => ({ status: 302, headers: { location: 'https://portal.example/' } }));

  expect(await outcomeOf(minting({ issuer: issuer.origin }).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    isRetryable: true,
    message: expect.stringContaining('sign in to the network') as string,
    failure: { status: 302, isAnswerLost: false },
  });
});

test('with a token endpoint given by hand nothing is discovered', async () => {
  const issuer = await startFakeIssuer();

  const provider = minting({ endpoints: { token: `${issuer.origin}/token` } });
  const { token } = await provider.requestToken(MINT);

  expect(token.reveal()).toBe('access-1');
  expect(issuer.to(OPENID_DOCUMENT)).toEqual([]);
  expect(provider.issuer.origin).toBe(issuer.origin);
  expect(await provider.discover()).toBeUndefined();
});

test('another endpoint given by hand goes before the discovered one', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/by-hand', () => ({ status: 200 }));
  const provider = minting({
    issuer: issuer.origin,
    endpoints: { revocation: `${issuer.origin}/by-hand` },
  });
  const { token } = await provider.requestToken(MINT);

  await provider.revoke({ token, kind: 'access_token' });

  expect(issuer.forms('/by-hand')).toEqual([{ token: 'access-1', token_type_hint: 'access_token' }]);
});

test('an issuer that nobody listens at: try later', async () => {
  const provider = minting({ issuer: await nowhere() });

  expect(await outcomeOf(provider.requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    failure: { isAnswerLost: false },
  });
});

test.each([
  ['no issuer', { issuer: undefined }, 'give issuer'],
  ['plain http to another machine', { issuer: 'http://login.example' }, 'plain http'],
  ['a query in the issuer', { issuer: 'https://login.example/?tenant=1' }, 'query'],
  ['no client id', { clientId: '' }, 'clientId'],
  ['a resource that is no URI', { resources: ['api'] }, 'resource "api"'],
  ['a resource with a fragment', { resources: ['https://api.example/#a'] }, 'fragment'],
  ['a scope with a quote', { scopes: ['a"b'] }, 'scope'],
  ['client credentials of a public client', { clientAuthentication: { method: 'none' } }, 'prove who it is'],
  ['no time', { requestTimeoutMs: 0 }, 'requestTimeoutMs is 0'],
] as const)('%s is refused when the provider is made', (_what, wrong, why) => {
  expect(() => minting({ issuer: 'https://login.example', ...wrong })).toThrow(why);
});
