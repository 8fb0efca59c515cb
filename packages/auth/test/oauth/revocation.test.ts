import { expect, test } from 'vitest';
import { Secret } from '../../src/index.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';
import { minting } from './minting.js';

const TOKEN = { token: new Secret('refresh-1'), kind: 'refresh_token' } as const;

test.each([
  ['nothing', {}],
  ['JSON', json({})],
  ['a word, called a page', { headers: { 'content-type': 'text/html; charset=utf-8' }, body: 'OK' }],
  ['nothing, called a page', { headers: { 'content-type': 'text/html; charset=utf-8' } }],
])('a revocation that is answered with status 200 and %s was taken', async (_what, reply) => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/revoke', () => reply);

  await minting({ issuer: issuer.origin }).revoke(TOKEN);

  expect(issuer.forms('/revoke')).toMatchObject([{ token: 'refresh-1', token_type_hint: 'refresh_token' }]);
});

test('one that is answered by a captive portal was not: try later', async () => {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/revoke', () => ({ body: '<html>sign in</html>' }));

  const error = await outcomeOf(minting({ issuer: issuer.origin }).revoke(TOKEN));

  expect(error).toMatchObject({ code: 'KM_AUTH_UNREACHABLE', isRetryable: true });
  expect((error as Error).message).toContain('captive portal');
});
