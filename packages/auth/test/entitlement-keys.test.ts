import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createEntitlementVerifier, type AuthErrorCode } from '../src/index.js';
import {
  codeOf,
  HOUR_MS,
  keyServer,
  movedClock,
  newKey,
  serveAs,
  sign,
  verifierOf,
} from './support/entitlements.js';

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
])('an answer with the keys that %s decides nothing', async (what, listener, code) => {
  const key = await newKey('a');
  const isSilent = what.startsWith('never');
  const verifier = verifierOf(await serveAs(listener), isSilent ? { requestTimeoutMs: 200 } : {});

  await expect(codeOf(verifier.verify(await sign(key)))).resolves.toBe(code);
});

test('keys are asked for unpacked: a server may pack for who asks for nothing in particular', async () => {
  const key = await newKey('a');
  const url = await serveAs(({ headers }, response) => {
    const text = JSON.stringify({ keys: [key.publicJwk] });
    const isPacked = headers['accept-encoding'] !== 'identity';
    response.writeHead(200, isPacked ? { 'content-encoding': 'gzip' } : {});
    response.end(isPacked ? gzipSync(text) : text);
  });

  await expect(verifierOf(url).verify(await sign(key))).resolves.toHaveProperty('subject');
});

test('keys travel over https, or over http to this machine only', () => {
  expect(() => createEntitlementVerifier({ apiEndpoint: 'http://api.example' })).toThrow(/plain http/);
  expect(() =>
    createEntitlementVerifier({ apiEndpoint: 'https://api.example', clockToleranceMs: -1 }),
  ).toThrow(/clockToleranceMs is -1/);
});
