import { EmbeddedJWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import {
  createAuthManager,
  createMemoryCache,
  createOAuthProvider,
  Secret,
  type GrantRecord,
  type OAuthProviderOptions,
} from '../../src/index.js';
import { createProofKey } from '../../src/dpop-proof.js';
import type { Received } from '../support/http-server.js';
import { outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer, type FakeIssuer } from './fake-issuer.js';

const MINT = { grantType: 'provider', grantName: 'client_credentials', scopes: ['read'] } as const;

/** An issuer that binds tokens to keys. */
async function bindingIssuer(): Promise<FakeIssuer> {
  const issuer = await startFakeIssuer();
  issuer.metadata['dpop_signing_alg_values_supported'] = ['RS256', 'ES256'];
  issuer.replies.set('/token', () => bound());
  return issuer;
}

function bound(more: Readonly<Record<string, unknown>> = {}, headers: Record<string, string> = {}) {
  return json({ access_token: 'a-1', token_type: 'dpop', expires_in: 3_600, ...more }, 200, headers);
}

function minting(issuer: FakeIssuer, more: Partial<OAuthProviderOptions> = {}) {
  return createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'svc',
    clientAuthentication: { method: 'client_secret', clientSecret: 's3cret' },
    grant: { type: 'client_credentials' },
    dpop: true,
    ...more,
  });
}

async function proofIn({ headers }: Received, nowMs = Date.now()) {
  const currentDate = new Date(nowMs);
  return (await jwtVerify(headers['dpop'] as string, EmbeddedJWK, { currentDate })).payload;
}

test('the key of a grant is stored before the first request, and every later one proves the same', async () => {
  const issuer = await bindingIssuer();
  const cache = createMemoryCache();
  const stored: (GrantRecord | undefined)[] = [];
  const provider = minting(issuer);
  const watched: typeof provider = {
    ...provider,
    requestToken: async (request) => {
      const [key] = await cache.listGrants();
      stored.push(key === undefined ? undefined : await cache.getGrant(key));
      return provider.requestToken(request);
    },
  };
  const manager = createAuthManager({ provider: watched, cache });
  const token = await manager.getValidToken('read');
  await manager.forceRefresh('read');
  await manager.getValidToken('write');

  const keys = [...stored.map((record) => record?.proofKey), token.proofKey];
  expect(keys).toHaveLength(4);
  expect(new Set(keys.map((key) => key?.fingerprint)).size).toBe(1);
  expect(keys[0]).toBeDefined();
});

test('a nonce of the token endpoint is remembered for the next request', async () => {
  const issuer = await bindingIssuer();
  issuer.replies.set('/token', ({ headers }) => {
    const claims = Buffer.from(String(headers['dpop']).split('.')[1] ?? '', 'base64url').toString();
    return claims.includes('"nonce":"n-1"')
      ? bound()
      : json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': 'n-1' });
  });
  const provider = minting(issuer);
  await provider.requestToken(MINT);
  await provider.requestToken(MINT);

  const proofs = await Promise.all(issuer.to('/token').map((received) => proofIn(received)));
  expect(proofs.map((proof) => proof['nonce'])).toEqual([undefined, 'n-1', 'n-1']);
  expect(proofs[0]).toMatchObject({ htm: 'POST', htu: `${issuer.origin}/token` });
  expect(proofs[0]?.['ath']).toBeUndefined();
});

test('an issuer that is never content with its nonces is asked three times, and the error says so', async () => {
  const issuer = await bindingIssuer();
  let count = 0;
  issuer.replies.set('/token', () => {
    count += 1;
    return json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': `n-${String(count)}` });
  });

  expect(await outcomeOf(minting(issuer).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_UNREACHABLE',
    message: expect.stringContaining('the server wants its latest nonce') as string,
  });
  expect(issuer.to('/token')).toHaveLength(3);
});

test("a wrong clock costs one request: the next is signed by the issuer's time", async () => {
  const issuer = await bindingIssuer();
  const serverMs = Date.now() + 3_600_000;
  const date = new Date(serverMs).toUTCString();
  issuer.replies.set('/token', () =>
    issuer.to('/token').length === 1
      ? json({ error: 'invalid_dpop_proof' }, 400, { date })
      : bound({}, { date }),
  );
  const provider = minting(issuer, { endpoints: { token: `${issuer.origin}/token` } });

  expect((await provider.requestToken(MINT)).token.type).toBe('DPoP');
  const { iat = 0 } = await proofIn(issuer.to('/token')[1]!, serverMs);
  expect(Math.abs(iat * 1_000 - serverMs)).toBeLessThan(10_000);
});

test('a proof that is refused although the clocks agree is not made again', async () => {
  const issuer = await bindingIssuer();
  issuer.replies.set('/token', () => json({ error: 'invalid_dpop_proof' }, 400));

  expect(await outcomeOf(minting(issuer).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining("check this machine's clock") as string,
  });
  expect(issuer.to('/token')).toHaveLength(1);
});

test('a refresh token that is bound is proved even where new tokens are not to be', async () => {
  const issuer = await bindingIssuer();
  const provider = createOAuthProvider({ issuer: issuer.origin, clientId: 'cli' });
  const proofKey = createProofKey();
  await provider.requestToken({ grantType: 'refresh_token', refreshToken: new Secret('r-1'), proofKey });

  expect(issuer.to('/token')[0]?.headers['dpop']).toBeDefined();
});

test.each([
  ['offers proofs of another kind only', ['RS256'], 'takes no proofs signed with ES256'],
  ['offers none', undefined, 'does not say that it binds tokens'],
])('an issuer that %s is sent nothing where tokens must be bound', async (_what, offered, why) => {
  const issuer = await bindingIssuer();
  issuer.metadata['dpop_signing_alg_values_supported'] = offered;

  const error = await outcomeOf(minting(issuer).requestToken(MINT));
  expect(error).toMatchObject({ code: 'KM_AUTH_CONFIGURATION' });
  expect((error as Error).message).toContain(why);
  expect(issuer.to('/token')).toEqual([]);
  const unbound = await minting(issuer, { dpop: 'if-offered' }).createProofKey();
  expect(unbound).toBeUndefined();
});

test('a token that came without the binding that was asked for is not used', async () => {
  const issuer = await bindingIssuer();
  issuer.replies.set('/token', () => bound({ token_type: 'Bearer' }));

  expect(await outcomeOf(minting(issuer).requestToken(MINT))).toMatchObject({
    code: 'KM_AUTH_CONFIGURATION',
    message: expect.stringContaining('bound to no key') as string,
  });
});
