import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterEach, expect, test } from 'vitest';
import {
  AuthToken,
  createEntitlementVerifier,
  decodeClaims,
  isAuthError,
  systemClock,
  type AuthErrorCode,
  type Clock,
  type EntitlementVerifierOptions,
} from '../src/index.js';

const KEYS_PATH = '/.well-known/jwks.json';
const HOUR_MS = 3_600_000;

type SigningKey = { readonly kid: string; readonly publicJwk: JWK; readonly privateKey: CryptoKey };

async function newKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { kid, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}

const servers = new Set<Server>();

afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
});

async function serve(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Publishes keys as the API does, counts who asks, and can stop answering. */
async function keyServer(...keys: SigningKey[]) {
  const api = { keys, asked: 0, isDown: false, url: '' };
  api.url = await serve((request, response) => {
    api.asked += 1;
    if (api.isDown) {
      response.socket?.destroy();
      return;
    }
    response.statusCode = request.url === KEYS_PATH ? 200 : 404;
    response.end(JSON.stringify({ keys: api.keys.map((key) => key.publicJwk) }));
  });
  return api;
}

/** The machine's clock, moved ahead by what a test says. */
function movedClock(): Clock & { advance(byMs: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    advance: (byMs) => {
      aheadMs += byMs;
    },
  };
}

type Claims = {
  readonly iss?: string;
  readonly expiresInMs?: number;
  readonly nowMs?: number;
  readonly alg?: string;
};

function sign(key: SigningKey, claims: Claims = {}): Promise<string> {
  const { iss, expiresInMs = HOUR_MS, nowMs = systemClock.nowMs(), alg = 'ES256' } = claims;
  const token = new SignJWT({ tier: 'pro', scope: 'monitoring plugins' })
    .setProtectedHeader({ alg, kid: key.kid, typ: 'JWT' })
    .setSubject('account-1')
    .setIssuedAt(Math.floor(nowMs / 1_000))
    .setExpirationTime(Math.floor((nowMs + expiresInMs) / 1_000));
  return (iss === undefined ? token : token.setIssuer(iss)).sign(key.privateKey);
}

function verifierOf(apiEndpoint: string, options: EntitlementVerifierOptions = {}) {
  return createEntitlementVerifier({ apiEndpoint, requestTimeoutMs: 2_000, ...options });
}

async function codeOf(promise: Promise<unknown>): Promise<AuthErrorCode | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isAuthError(error) ? error.code : undefined;
}

test('a token signed by the API says what it entitles to, as text and as an AuthToken', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const verifier = verifierOf(api.url);
  const text = await sign(key, { iss: api.url });

  const entitlements = await verifier.verify(text);

  expect(entitlements).toMatchObject({
    subject: 'account-1',
    tier: 'pro',
    scopes: ['monitoring', 'plugins'],
  });
  expect(entitlements.expiresAtMs).toBeGreaterThan(systemClock.nowMs());
  const token = new AuthToken({ value: text, scopes: [], issuedAtMs: 0, expiresAtMs: 1 });
  await expect(verifier.verify(token)).resolves.toEqual(entitlements);
});

test('the claims of an AuthToken can be read without any verification, and an opaque one has none', async () => {
  const key = await newKey('a');
  const wrap = (value: string) => new AuthToken({ value, scopes: [], issuedAtMs: 0, expiresAtMs: 1 });

  expect(decodeClaims(wrap(await sign(key)))).toMatchObject({ subject: 'account-1', tier: 'pro' });
  expect(decodeClaims(wrap('kmat_opaque'))).toBeUndefined();
});

test('the keys are asked for once for any number of tokens, and again when they are old', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock });
  const token = await sign(key, { expiresInMs: 10 * HOUR_MS });

  await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
  expect(api.asked).toBe(1);

  clock.advance(HOUR_MS);
  await verifier.verify(token);
  expect(api.asked).toBe(2);
});

test('a key that the API has begun to use is found, but unknown keys do not make it ask again and again', async () => {
  const [old, next, foreign] = await Promise.all([newKey('old'), newKey('next'), newKey('foreign')]);
  const api = await keyServer(old);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock, keysCooldownMs: 30_000 });
  await verifier.verify(await sign(old));

  api.keys = [old, next];
  clock.advance(30_000);
  await expect(verifier.verify(await sign(next))).resolves.toMatchObject({ subject: 'account-1' });
  expect(api.asked).toBe(2);

  const forged = await sign(foreign);
  await expect(codeOf(verifier.verify(forged))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  await expect(codeOf(verifier.verify(forged))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  expect(api.asked).toBe(2);

  clock.advance(30_000);
  await expect(codeOf(verifier.verify(forged))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  expect(api.asked).toBe(3);
});

test('a token of a key that the API has withdrawn is refused once the keys are asked for again', async () => {
  const [old, next] = await Promise.all([newKey('old'), newKey('next')]);
  const api = await keyServer(old);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock });
  const token = await sign(old, { expiresInMs: 10 * HOUR_MS });
  await verifier.verify(token);

  api.keys = [next];
  clock.advance(HOUR_MS);

  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
});

test('a token that was changed is refused', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const [header = '', , signature = ''] = (await sign(key)).split('.');
  const better = Buffer.from(
    JSON.stringify({
      sub: 'account-1',
      tier: 'enterprise',
      exp: Math.ceil(systemClock.nowMs() / 1_000) + 600,
    }),
  ).toString('base64url');

  const refused = verifierOf(api.url).verify(`${header}.${better}.${signature}`);

  await expect(refused).rejects.toThrow(/its signature is wrong/);
  await expect(codeOf(refused)).resolves.toBe('KM_AUTH_TOKEN_INVALID');
});

test('an unsigned token, another algorithm and an opaque text are refused without asking for keys', async () => {
  const rsa = await newKey('r', 'RS256');
  const api = await keyServer(rsa);
  const verifier = verifierOf(api.url);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${part({ alg: 'none' })}.${part({ sub: 'account-1', exp: 9e9 })}.`;
  const others = [
    unsigned,
    await sign(rsa, { alg: 'RS256' }),
    'kmat_opaque',
    'a.b.c',
    '',
    `${'x'.repeat(20_000)}..`,
  ];

  for (const token of others) {
    await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  }
  expect(api.asked).toBe(0);
});

test('an expired token is refused, with a tolerance for clocks that differ a little', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock, clockToleranceMs: 60_000 });
  const token = await sign(key, { expiresInMs: 30_000 });

  clock.advance(60_000);
  await expect(verifier.verify(token)).resolves.toMatchObject({ tier: 'pro' });
  clock.advance(60_000);
  await expect(verifier.verify(token)).rejects.toThrow(/it has expired/);
});

test('a machine whose clock is known to be an hour fast still accepts what the API just issued', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const clock = movedClock();
  clock.advance(HOUR_MS);
  const token = await sign(key, { expiresInMs: 60_000 });

  await expect(codeOf(verifierOf(api.url, { clock }).verify(token))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  await expect(
    verifierOf(api.url, { clock, clockSkewMs: () => HOUR_MS }).verify(token),
  ).resolves.toMatchObject({ tier: 'pro' });
});

test('a token of another issuer is refused, and one without issuer only where an issuer is demanded', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const ofAnother = await sign(key, { iss: 'https://elsewhere.example' });
  const ofNobody = await sign(key);

  await expect(codeOf(verifierOf(api.url).verify(ofAnother))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
  await expect(verifierOf(api.url).verify(ofNobody)).resolves.toMatchObject({ tier: 'pro' });
  const strict = verifierOf(api.url, { issuer: 'https://elsewhere.example' });
  await expect(strict.verify(ofAnother)).resolves.toMatchObject({ tier: 'pro' });
  await expect(codeOf(strict.verify(ofNobody))).resolves.toBe('KM_AUTH_TOKEN_INVALID');
});

test('without the API nothing is decided until it is back, and then the very next token is', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const verifier = verifierOf(api.url);
  const token = await sign(key);
  api.isDown = true;

  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_UNREACHABLE');
  api.isDown = false;
  await expect(verifier.verify(token)).resolves.toMatchObject({ tier: 'pro' });
});

test('keys at hand go on to serve while the API is away, for a day and no longer', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock });
  const token = await sign(key, { expiresInMs: 100 * HOUR_MS });
  await verifier.verify(token);
  api.isDown = true;

  clock.advance(23 * HOUR_MS);
  await verifier.verify(token);
  await verifier.verify(token);
  expect(api.asked).toBe(2);

  clock.advance(2 * HOUR_MS);
  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_UNREACHABLE');
});

test('an unknown key while the API is away is no verdict on the token', async () => {
  const [old, next] = await Promise.all([newKey('old'), newKey('next')]);
  const api = await keyServer(old);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock });
  await verifier.verify(await sign(old));
  api.isDown = true;
  clock.advance(30_000);
  const token = await sign(next);

  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_UNREACHABLE');
  await expect(codeOf(verifier.verify(token))).resolves.toBe('KM_AUTH_UNREACHABLE');
  expect(api.asked).toBe(2);
});

test.each<[string, RequestListener, AuthErrorCode]>([
  ['never begins', () => undefined, 'KM_AUTH_UNREACHABLE'],
  ['never ends', (_request, response) => void response.write('{"keys":['), 'KM_AUTH_UNREACHABLE'],
  [
    'is too large',
    (_request, response) => void response.end(JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) })),
    'KM_AUTH_UNREACHABLE',
  ],
  ['is a page to sign in', (_request, response) => void response.end('<html>'), 'KM_AUTH_UNREACHABLE'],
  ['has no keys in it', (_request, response) => void response.end('{"keys":"none"}'), 'KM_AUTH_UNREACHABLE'],
  ['is a 503', (_request, response) => void response.writeHead(503).end(), 'KM_AUTH_UNREACHABLE'],
  [
    'leads elsewhere',
    (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/keys' }).end(),
    'KM_AUTH_UNREACHABLE',
  ],
  ['is a 404', (_request, response) => void response.writeHead(404).end('{}'), 'KM_AUTH_CONFIGURATION'],
])('an answer with the keys that %s decides nothing', async (_what, listener, code) => {
  const key = await newKey('a');
  const verifier = verifierOf(await serve(listener), { requestTimeoutMs: 200 });

  await expect(codeOf(verifier.verify(await sign(key)))).resolves.toBe(code);
});

test('keys travel over https, or over http to this machine only', () => {
  expect(() => createEntitlementVerifier({ apiEndpoint: 'http://api.example' })).toThrow(/plain http/);
  expect(() =>
    createEntitlementVerifier({ apiEndpoint: 'https://api.example', clockToleranceMs: -1 }),
  ).toThrow(/clockToleranceMs is -1/);
});

test('the token is in no error, however it is looked at', async () => {
  const [key, foreign] = await Promise.all([newKey('a'), newKey('b')]);
  const api = await keyServer(key);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock });
  const tokens = [
    await sign(foreign),
    await sign(key, { iss: 'https://elsewhere.example' }),
    await sign(key, { expiresInMs: -HOUR_MS }),
    'kmat_a_secret_of_forty_characters_or_more',
  ];

  for (const token of tokens) {
    const error: unknown = await verifier.verify(token).catch((reason: unknown) => reason);
    expect(isAuthError(error, 'KM_AUTH_TOKEN_INVALID')).toBe(true);
    const shown = inspect(error, { depth: 10, showHidden: true });
    for (const part of token.split('.')) expect(shown).not.toContain(part);
  }
});
