import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createOAuthProvider, Secret, type OAuthProviderOptions } from '../../src/index.js';
import { fakeClock } from '../support/fake-clock.js';
import type { Received } from '../support/http-server.js';
import { HOUR, outcomeOf } from '../support/setup.js';
import { json, startFakeIssuer } from './fake-issuer.js';

const MINT = {
  grantType: 'provider',
  grantName: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  scopes: [],
} as const;

function keyFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'km-assertion-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'key.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return file;
}

function assertionIn({ body }: Received): string {
  return new URLSearchParams(body).get('assertion') ?? '';
}

/** An issuer that takes only assertions of this minute, and a client of it whose clock is off and which knows its document. */
async function asserting(
  offMs: number,
  { status = 400, ...more }: Partial<OAuthProviderOptions> & { readonly status?: number } = {},
) {
  const issuer = await startFakeIssuer();
  issuer.replies.set('/token', (received) => {
    const { iat = 0, exp = 0 } = decodeJwt(assertionIn(received));
    const nowS = Date.now() / 1_000;
    if (iat <= nowS + 60 && exp > nowS)
      return json({ access_token: 'a-1', token_type: 'Bearer', expires_in: 60 });
    const error_description = `Invalid JWT ${assertionIn(received)}`;
    return json({ error: 'invalid_grant', error_description }, status);
  });
  const clock = fakeClock(Date.now() + offMs);
  const fetchedAtMs = clock.nowMs();
  const document = { text: JSON.stringify(issuer.metadata), fetchedAtMs, freshUntilMs: fetchedAtMs + HOUR };
  const provider = createOAuthProvider({
    issuer: issuer.origin,
    clientId: 'robot',
    grant: { type: 'jwt_bearer', keyFile: keyFile() },
    documents: { get: () => Promise.resolve(document), set: () => Promise.resolve() },
    clock,
    ...more,
  });
  return { issuer, provider };
}

test.each([
  ['slow', -2 * HOUR, 400],
  ['fast', 2 * HOUR, 400],
  ['fast, at an issuer that refuses with a 403', 2 * HOUR, 403],
])(
  "a clock that is %s costs one request: the assertion is signed again by the issuer's time",
  async (_, offMs, status) => {
    const { issuer, provider } = await asserting(offMs, { status });

    expect((await provider.requestToken(MINT)).token.reveal()).toBe('a-1');
    expect(issuer.to('/token')).toHaveLength(2);
    await provider.requestToken(MINT);
    expect(issuer.to('/token'), 'the time is known from then on').toHaveLength(3);
  },
);

test('what the discovery told of the time counts for the first assertion, whomever that is for', async () => {
  const grant = { type: 'jwt_bearer', keyFile: keyFile(), assertionAudience: 'https://api.example' } as const;
  const { issuer, provider } = await asserting(2 * HOUR, { grant, documents: undefined });

  await provider.requestToken(MINT);
  expect(issuer.to('/token')).toHaveLength(1);
});

test('an assertion that is refused although the clocks agree is not made again, nor shown', async () => {
  const { issuer, provider } = await asserting(0);
  issuer.replies.set('/token', (received) =>
    json({ error: 'invalid_grant', error_description: assertionIn(received) }, 400),
  );

  const error = await outcomeOf(provider.requestToken(MINT));
  expect(error).toMatchObject({ code: 'KM_AUTH_GRANT_REJECTED' });
  expect((error as Error).message).toContain('[redacted]');
  expect(issuer.to('/token')).toHaveLength(1);
});

test('one that is refused by the right time too is not shown either', async () => {
  const { issuer, provider } = await asserting(2 * HOUR);
  issuer.replies.set('/token', () =>
    json({ error: 'invalid_grant', error_description: issuer.to('/token').map(assertionIn).join(' ') }, 400),
  );

  const error = (await outcomeOf(provider.requestToken(MINT))) as Error;
  expect(issuer.to('/token')).toHaveLength(2);
  expect(error.message).toContain('([redacted] [redacted])');
  expect(error.message).toContain("this machine's clock");
});

test('a refresh token is never sent again for the time', async () => {
  const { issuer, provider } = await asserting(2 * HOUR);
  issuer.replies.set('/token', () => json({ error: 'invalid_grant' }, 400));

  const refreshToken = new Secret('refresh-1');
  expect(await outcomeOf(provider.requestToken({ grantType: 'refresh_token', refreshToken }))).toMatchObject({
    code: 'KM_AUTH_GRANT_REJECTED',
  });
  expect(issuer.to('/token')).toHaveLength(1);
});
