import { createAuthManager, createMemoryCache, AuthToken, Secret } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { grantKeyOf } from '../src/grant-of-account.js';

const AT = { profile: 'work', apiEndpoint: 'https://api.example/v1/' };

test.each([
  ['an API key', { apiKey: new Secret('key') }],
  ['client credentials', { clientCredentials: { clientId: 'id', clientSecret: new Secret('secret') } }],
  ['both', { apiKey: 'key', clientCredentials: { clientId: 'id', clientSecret: 'secret' } }],
])('the grant of %s is looked for under what the manager keeps it', async (_what, credential) => {
  const cache = createMemoryCache();
  const nowMs = Date.now();
  const token = new AuthToken({ value: 't', scopes: [], issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 });
  const provider = { requestToken: () => Promise.resolve({ token }) };
  await createAuthManager({ ...AT, ...credential, cache, provider }).getValidToken();

  expect(await cache.listGrants()).toEqual([grantKeyOf({ ...AT, ...credential })]);
});

test('the grant of a person’s login is looked for under what the manager keeps it', async () => {
  const asked: unknown[] = [];
  const cache = createMemoryCache();
  const manager = createAuthManager({
    ...AT,
    cache: { ...cache, getGrant: (key) => (asked.push(key), cache.getGrant(key)) },
  });
  await expect(manager.getValidToken()).rejects.toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });

  expect(asked[0]).toEqual(grantKeyOf(AT));
});
