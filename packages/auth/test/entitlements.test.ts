import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { AuthToken, decodeClaims, isAuthError, systemClock } from '../src/index.js';
import { codeOf, HOUR_MS, keyServer, movedClock, newKey, sign, verifierOf } from './support/entitlements.js';

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

test('a token entitles for offlineLifetimeMs after its end, and no longer', async () => {
  const key = await newKey('a');
  const api = await keyServer(key);
  const clock = movedClock();
  const verifier = verifierOf(api.url, { clock, clockToleranceMs: 30_000, offlineLifetimeMs: HOUR_MS });
  const token = await sign(key, { expiresInMs: 60_000 });
  await verifier.verify(token);
  api.isDown = true;

  clock.advance(HOUR_MS + 80_000);
  const { tier, expiresAtMs } = await verifier.verify(token);
  expect(tier).toBe('pro');
  expect(expiresAtMs).toBeLessThan(clock.nowMs());
  clock.advance(20_000);
  await expect(verifier.verify(token)).rejects.toThrow(/it has expired/);
});

test('what lives on after its end is looked at as closely as before', async () => {
  const [key, foreign] = await Promise.all([newKey('a'), newKey('a')]);
  const api = await keyServer(key);
  const verifier = verifierOf(api.url, { offlineLifetimeMs: 2 * HOUR_MS });
  const ended = { expiresInMs: -HOUR_MS };

  await expect(verifier.verify(await sign(key, ended))).resolves.toMatchObject({ tier: 'pro' });
  await expect(verifier.verify(await sign(foreign, ended))).rejects.toThrow(/its signature is wrong/);
  const ofAnother = await sign(key, { ...ended, iss: 'https://elsewhere.example' });
  await expect(verifier.verify(ofAnother)).rejects.toThrow(/"iss" is not acceptable/);
  const strict = verifierOf(api.url, { offlineLifetimeMs: 2 * HOUR_MS, issuer: 'https://id.example' });
  await expect(strict.verify(ofAnother)).rejects.toThrow(/"iss" is not acceptable/);
  const ofLater = await sign(key, { ...ended, notBeforeMs: systemClock.nowMs() + HOUR_MS });
  await expect(verifier.verify(ofLater)).rejects.toThrow(/"nbf" is not acceptable/);
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
