import { expect, test } from 'vitest';
import { createAuthManager, createMemoryCache, grantKeyAtApi, Secret } from '../src/index.js';
import { fakeClock } from './support/fake-clock.js';
import { scriptedProvider } from './support/scripted-provider.js';

const AT = { profile: 'work', apiEndpoint: 'https://api.example/v1/' };

test.each([
  ['an API key', { apiKey: new Secret('key') }],
  ['client credentials', { clientCredentials: { clientId: 'id', clientSecret: new Secret('secret') } }],
])('the grant of %s is named as its manager keeps it', async (_what, credential) => {
  const clock = fakeClock();
  const cache = createMemoryCache({ clock });
  const provider = scriptedProvider({ clock });
  await createAuthManager({ ...AT, ...credential, cache, clock, provider }).getValidToken();

  expect(await cache.listGrants()).toEqual([grantKeyAtApi({ ...AT, ...credential })]);
});

test('the grant of a person’s login is one for each profile and origin', () => {
  expect(grantKeyAtApi(AT)).toEqual({
    apiOrigin: 'https://api.example',
    profile: 'work',
    credential: 'login:',
  });
});
