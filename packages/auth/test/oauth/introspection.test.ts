import { expect, test } from 'vitest';
import { createOAuthProvider, Secret } from '../../src/index.js';
import type { Reply } from '../support/http-server.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';

const TOKEN = { token: new Secret('access-secret-1'), kind: 'access_token' } as const;

/** What becomes of the question when it is answered so. */
async function answeredWith(reply: Reply) {
  const issuer = await startFakeIssuer();
  issuer.metadata['introspection_endpoint'] = `${issuer.origin}/introspect`;
  issuer.replies.set('/introspect', () => reply);
  const provider = createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'svc',
    clientAuthentication: { method: 'client_secret', clientSecret: 's3cret' },
  });
  return { issuer, outcome: await outcomeOf(provider.introspect(TOKEN)) };
}

test('the client shows who it is, and which kind of token it asks about', async () => {
  const { issuer } = await answeredWith(json({ active: true }));

  expect(issuer.to('/introspect')[0]?.headers.authorization).toMatch(/^Basic /);
  expect(issuer.forms('/introspect')).toEqual([
    { token: 'access-secret-1', token_type_hint: 'access_token' },
  ]);
});

test('what is said is taken where it is what it should be', async () => {
  const said = {
    active: true,
    scope: 'read write',
    aud: ['one', 7, 'two'],
    exp: 1_700_000_000,
    iat: 'yesterday',
    sub: '',
    username: 'ann',
    cnf: { jkt: 'abc' },
  };

  expect((await answeredWith(json(said))).outcome).toEqual({
    isActive: true,
    scopes: ['read', 'write'],
    audience: ['one', 'two'],
    expiresAtMs: 1_700_000_000_000,
    username: 'ann',
    keyThumbprint: 'abc',
  });
});

test.each([
  ['a page of a captive portal', { body: '<html>sign in</html>' }, 'KM_AUTH_UNREACHABLE', 'captive portal'],
  ['an answer without `active`', json({ scope: 'read' }), 'KM_AUTH_UNREACHABLE', 'no answer'],
  ['`active` that is no boolean', json({ active: 'true' }), 'KM_AUTH_UNREACHABLE', 'no answer'],
  ['a 503', { status: 503 }, 'KM_AUTH_UNREACHABLE', 'try again later'],
  ['a refusal', json({ error: 'invalid_client' }, 401), 'KM_AUTH_CONFIGURATION', 'check the client id'],
])('%s says nothing of the token', async (_what, reply, code, words) => {
  const { outcome } = await answeredWith(reply);

  expect(outcome).toMatchObject({ code });
  expect((outcome as Error).message).toContain(words);
  expect((outcome as Error).message).not.toContain('access-secret-1');
});
