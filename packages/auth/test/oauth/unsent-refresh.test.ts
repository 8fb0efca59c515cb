import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  Secret,
  storeLogin,
} from '../../src/index.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';

test('a refresh that an issuer with the document of another was never asked for has no answer that could be lost', async () => {
  const issuer = await startFakeIssuer();
  const cache = createMemoryCache();
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'app' });
  const nowMs = Date.now();
  const token = new AuthToken({ value: 'a', scopes: [], issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 });
  const grant = { token, refreshToken: new Secret('r1') };
  const key = await storeLogin({ id: 'l', grant, askedScopes: [] }, { provider, cache });
  const refresh = () => outcomeOf(createAuthManager({ provider, cache, loginId: 'l' }).forceRefresh());

  issuer.metadata['issuer'] = 'https://other.example';
  expect(await refresh()).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect(issuer.to('/token')).toEqual([]);
  expect(await cache.getGrant(key)).not.toHaveProperty('sentRefresh');

  issuer.metadata['issuer'] = issuer.origin;
  issuer.replies.set('/token', () => json({ error: 'invalid_grant' }, 400));
  const over = await refresh();
  expect(over).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(String(over)).not.toContain('lost');
});
