import { expect, test } from 'vitest';
import { testApi, type TestApi, type Tokens } from './harness.js';

async function tokensOf(answer: Response): Promise<Tokens> {
  expect(answer.status).toBe(200);
  return (await answer.json()) as Tokens;
}

async function refusalOf(answer: Response): Promise<{ error: string; error_description: string }> {
  expect(answer.status).toBe(400);
  return (await answer.json()) as { error: string; error_description: string };
}

async function isGood(api: TestApi, token: string): Promise<boolean> {
  return (await api.get('/api/auth/validate', token)).status === 200;
}

test('a refresh token wins a new pair for the scopes of its grant', async () => {
  const api = testApi();
  const first = await api.login(['monitoring', 'plugins']);
  const second = await tokensOf(await api.refresh(first.refresh_token));

  expect(second.scope).toEqual(['monitoring', 'plugins']);
  expect(second.access_token).not.toBe(first.access_token);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(await isGood(api, second.access_token)).toBe(true);
  expect(await isGood(api, first.access_token)).toBe(true);
});

test('a refresh may ask for fewer scopes, never for more, and the grant keeps all of them', async () => {
  const api = testApi();
  const first = await api.login(['monitoring', 'plugins']);
  const ask = (token: string, scope: string[]): Promise<Response> =>
    api.post('/api/auth/token', { grant_type: 'refresh_token', refresh_token: token, scope });

  const narrow = await tokensOf(await ask(first.refresh_token, ['plugins']));
  expect(narrow.scope).toEqual(['plugins']);
  expect(await refusalOf(await ask(narrow.refresh_token, ['default']))).toMatchObject({
    error: 'invalid_scope',
  });
  expect((await tokensOf(await api.refresh(narrow.refresh_token))).scope).toEqual(['monitoring', 'plugins']);
});

test('a refresh token used twice ends the family, access tokens and newest refresh token included', async () => {
  const api = testApi();
  const first = await api.login();
  const second = await tokensOf(await api.refresh(first.refresh_token));

  expect(await refusalOf(await api.refresh(first.refresh_token))).toEqual({
    error: 'invalid_grant',
    error_description: 'refresh token reuse detected',
  });
  const later = await refusalOf(await api.refresh(second.refresh_token));
  expect(later.error).toBe('invalid_grant');
  expect(later.error_description).toContain('revoked');
  expect(await isGood(api, first.access_token)).toBe(false);
  expect(await isGood(api, second.access_token)).toBe(false);
});

test('reuse in one family leaves every other alone', async () => {
  const api = testApi();
  const victim = await api.login();
  const other = await api.login();
  await api.refresh(victim.refresh_token);
  await api.refresh(victim.refresh_token);
  expect(await isGood(api, other.access_token)).toBe(true);
  await tokensOf(await api.refresh(other.refresh_token));
});

test('of fifty refreshes at once with one refresh token exactly one wins, and the family is revoked', async () => {
  const api = testApi();
  const { refresh_token: refreshToken } = await api.login();
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.refresh(refreshToken)));

  const winners = answers.filter((answer) => answer.status === 200);
  expect(winners).toHaveLength(1);
  const [winner] = winners;
  expect(winner && (await isGood(api, ((await winner.json()) as Tokens).access_token))).toBe(false);
  expect(api.store.stats()).toMatchObject({
    refreshed: 1,
    reuseDetected: 49,
    familiesRevoked: 1,
    refused: 49,
  });
  expect(api.events.filter(({ type }) => type === 'family.revoked')).toHaveLength(1);
});

test('within the grace window a used refresh token gets the same pair again', async () => {
  const api = testApi({ graceMs: 10_000, tokenTtlMs: 60_000 });
  const first = await api.login();
  const second = await tokensOf(await api.refresh(first.refresh_token));
  api.clock.advance(10_000);
  const again = await tokensOf(await api.refresh(first.refresh_token));

  expect(again).toEqual({ ...second, expires_in: 50 });
  await tokensOf(await api.refresh(second.refresh_token));
  expect(api.store.stats()).toMatchObject({ refreshed: 2, replayed: 1, reuseDetected: 0 });
});

test('after the grace window a used refresh token is reuse', async () => {
  const api = testApi({ graceMs: 10_000 });
  const first = await api.login();
  await api.refresh(first.refresh_token);
  api.clock.advance(10_001);
  expect((await refusalOf(await api.refresh(first.refresh_token))).error_description).toContain('reuse');
});

test('with a grace window fifty refreshes at once all get the same pair', async () => {
  const api = testApi({ graceMs: 10_000 });
  const { refresh_token: refreshToken } = await api.login();
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.refresh(refreshToken)));
  const pairs = await Promise.all(answers.map(tokensOf));
  expect(new Set(pairs.map((pair) => pair.refresh_token)).size).toBe(1);
});

test('grace does not bring a revoked family back', async () => {
  const api = testApi({ graceMs: 10_000 });
  const first = await api.login();
  const second = await tokensOf(await api.refresh(first.refresh_token));
  await api.post('/api/auth/revoke', { token: second.refresh_token });
  expect((await refusalOf(await api.refresh(first.refresh_token))).error).toBe('invalid_grant');
});

test('without rotation the answer has no refresh token and the old one stays good', async () => {
  const api = testApi({ rotateRefreshTokens: false });
  const first = await api.login();
  for (let round = 0; round < 3; round += 1) {
    expect(await tokensOf(await api.refresh(first.refresh_token))).not.toHaveProperty('refresh_token');
  }
});

test('a refresh token expires', async () => {
  const api = testApi({ refreshTokenTtlMs: 60_000 });
  const { refresh_token: refreshToken } = await api.login();
  api.clock.advance(60_000);
  expect(await refusalOf(await api.refresh(refreshToken))).toEqual({
    error: 'invalid_grant',
    error_description: 'refresh token expired',
  });
});

test('an unknown refresh token is told so, with no word of reuse or revocation', async () => {
  expect(await refusalOf(await testApi().refresh('kmrt_never'))).toEqual({
    error: 'invalid_grant',
    error_description: 'unknown refresh token',
  });
});
