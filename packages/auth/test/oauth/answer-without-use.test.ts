import { expect, test } from 'vitest';
import {
  createMemoryCache,
  createAuthManager,
  createOAuthProvider,
  Secret,
  storeLogin,
} from '../../src/index.js';
import { AuthToken } from '../../src/auth-token.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';

/** What an issuer that rotates adds to the answer to a refresh. */
type Added = Readonly<Record<string, unknown>>;

/** A login, made without proofs, at an issuer that takes each refresh token once; and what a refresh by it is sent. */
async function loggedIn(added: Added) {
  const issuer = await startFakeIssuer();
  let number = 1;
  issuer.replies.set('/token', ({ body }) => {
    if (new URLSearchParams(body).get('refresh_token') !== `r${String(number)}`)
      return json({ error: 'invalid_grant', error_description: 'reuse' }, 400);
    number += 1;
    return json({ token_type: 'Bearer', refresh_token: `r${String(number)}`, ...added });
  });
  const cache = createMemoryCache();
  const provider = (more: { readonly dpop?: boolean } = {}) =>
    createOAuthProvider({
      issuer: issuer.origin,
      endpoints: { token: `${issuer.origin}/token` },
      clientId: 'app',
      ...more,
    });
  const nowMs = Date.now();
  const token = new AuthToken({ value: 'a', scopes: [], issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 });
  const grant = { token, refreshToken: new Secret('r1') };
  const key = await storeLogin({ id: 'l', grant, askedScopes: [] }, { provider: provider(), cache });
  return {
    refresh: (more: { readonly dpop?: boolean } = {}) =>
      outcomeOf(createAuthManager({ provider: provider(more), cache, loginId: 'l' }).forceRefresh()),
    sent: () => issuer.forms('/token').map((form) => form['refresh_token']),
    stored: () => cache.getGrant(key),
  };
}

test('a token that had to be bound to a key and is not is refused; what replaced the refresh token is kept', async () => {
  const { refresh, sent, stored } = await loggedIn({ access_token: 'bearer', refresh_expires_in: 3_600 });

  expect(await refresh({ dpop: true })).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    failure: { status: 200 },
  });
  const { refreshToken, sentRefresh, lastFailure } = (await stored()) ?? {};
  expect(refreshToken?.secret.reveal()).toBe('r2');
  expect(refreshToken).toMatchObject({ scopes: ['default'], expiresAtMs: expect.any(Number) as number });
  expect(sentRefresh, 'what became of the one before is known').toBeUndefined();
  expect(lastFailure).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });

  const renewed = await refresh();
  expect(renewed instanceof AuthToken && renewed.reveal()).toBe('bearer');
  expect(sent()).toEqual(['r1', 'r2']);
});

test.each<[string, Added]>([
  ['no token', {}],
  ['a token that no header can carry', { access_token: 'with space' }],
])('an answer with %s is not asked for again with the refresh token that it replaced', async (_, added) => {
  const { refresh, sent, stored } = await loggedIn(added);

  const failure = await refresh();
  expect(failure).toMatchObject({ code: 'KM_AUTH_UNREACHABLE' });
  expect(String(failure)).not.toContain('r2');
  await refresh();
  expect(sent()).toEqual(['r1', 'r2']);
  expect((await stored())?.refreshToken?.secret.reveal()).toBe('r3');
});
