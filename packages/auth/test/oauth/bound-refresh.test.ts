import { expect, test } from 'vitest';
import { createAuthManager, createMemoryCache, storeLogin } from '../../src/index.js';
import type { Received } from '../support/http-server.js';
import { approve, startLogin } from './browser-login-setup.js';
import { json } from './fake-issuer.js';

/** The public key that a request proved to have. */
function keyIn({ headers }: Received): unknown {
  const [header = ''] = String(headers['dpop']).split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { readonly jwk: { x: unknown } }).jwk.x;
}

/** A login at an issuer that binds a public client's refresh tokens to its key, and not the access tokens. */
async function loggedIn() {
  const { issuer, provider, login } = await startLogin({
    metadata: { dpop_signing_alg_values_supported: ['ES256'] },
    provider: { dpop: 'if-offered' },
  });
  let issued = 0;
  let key: unknown;
  issuer.replies.set('/token', (received) => {
    const form = new URLSearchParams(received.body);
    const isRefresh = form.get('grant_type') === 'refresh_token';
    const isGood = form.get('refresh_token') === `refresh-${String(issued)}` && keyIn(received) === key;
    if (isRefresh && !isGood) return json({ error: 'invalid_grant' }, 400);
    key = keyIn(received);
    issued += 1;
    const [access_token, refresh_token] = [`access-${String(issued)}`, `refresh-${String(issued)}`];
    return json({ access_token, token_type: 'Bearer', refresh_token, expires_in: 3_600 });
  });
  const [won] = await Promise.all([login.wait(), approve(login)]);
  return { provider, won };
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-5 | RFC 9449 §5} */
test('a refresh token that is bound to a key is renewed with that key, although its access token is not', async () => {
  const { provider, won } = await loggedIn();
  const cache = createMemoryCache();
  await storeLogin(won, { provider, cache });
  const open = () => createAuthManager({ provider, cache, loginId: won.id });

  expect(
    won.grant.token.proofKey,
    'nobody proves a key with an access token that is not bound',
  ).toBeUndefined();
  const renewed = await open().forceRefresh();
  expect(renewed.reveal()).toBe('access-2');
  expect(renewed.proofKey).toBeUndefined();
  expect((await open().forceRefresh()).reveal()).toBe('access-3');
});
