import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLocalApi } from '../src/index.js';
import { prepareProgram, startProcess } from './api-process.js';
import { batchOf, PRO_KEY, testApi, type Tokens } from './harness.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-local-api-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('everything in a file survives a restart', async () => {
  const database = join(folder, 'restart.db');
  const first = testApi({ database });
  const used = await first.login();
  const current = (await (await first.refresh(used.refresh_token)).json()) as Tokens;
  const revoked = await first.login();
  await first.post('/api/auth/revoke', { token: revoked.refresh_token });
  await first.post('/api/events/batch', batchOf('e1'), current.access_token);
  const started = await first.post('/api/auth/device-code/start', {});
  const { deviceCode } = (await started.json()) as { deviceCode: string };
  const jwks: unknown = await (await first.get('/.well-known/jwks.json')).json();
  const stats = first.store.stats();
  await first.close();

  const second = testApi({ database, apiKeys: [] });
  expect(await (await second.get('/.well-known/jwks.json')).json()).toEqual(jwks);
  expect(second.store.stats()).toEqual(stats);
  expect(second.store.countEvents()).toBe(1);
  expect((await second.get('/api/auth/validate', current.access_token)).status).toBe(200);
  expect((await second.get('/api/auth/validate', revoked.access_token)).status).toBe(401);
  const polled = await second.post('/api/auth/device-code/poll', { deviceCode });
  expect(await polled.json()).toMatchObject({ error: 'authorization_pending' });
  await expect(second.login()).resolves.toBeDefined();
  const next = (await (await second.refresh(current.refresh_token)).json()) as Tokens;
  const reused = await second.refresh(used.refresh_token);
  expect(await reused.json()).toMatchObject({ error_description: 'refresh token reuse detected' });
  expect((await second.get('/api/auth/validate', next.access_token)).status).toBe(401);
  await second.close();
});

test('the file can be read by its owner alone', async () => {
  const database = join(folder, 'private.db');
  const api = createLocalApi({ database });
  for (const file of [database, `${database}-wal`]) expect(statSync(file).mode & 0o077).toBe(0);
  await api.close();
});

test('two APIs can share a file, and a refresh token is still good once', async () => {
  const database = join(folder, 'shared.db');
  const one = testApi({ database });
  const two = testApi({ database });
  const { refresh_token: refreshToken } = await one.login();
  const answers = await Promise.all([one.refresh(refreshToken), two.refresh(refreshToken)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  await Promise.all([one.close(), two.close()]);
});

test('what was answered before a SIGKILL is there afterwards', { timeout: 30_000 }, async () => {
  const program = prepareProgram(mkdtempSync(join(folder, 'program-')));
  const options = { database: join(folder, 'killed.db'), apiKeys: [PRO_KEY] };
  const post = async (url: string, path: string, body: unknown, token = ''): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  const tokensOf = async (url: string, body: unknown): Promise<Tokens> =>
    (await (await post(url, '/api/auth/token', body)).json()) as Tokens;

  const first = await startProcess(program, options);
  let tokens = await tokensOf(first.url, { grant_type: 'api_key', api_key: PRO_KEY, scope: ['monitoring'] });
  const used = tokens.refresh_token;
  tokens = await tokensOf(first.url, { grant_type: 'refresh_token', refresh_token: used });

  // Batches keep coming while the process is killed; those that were answered count.
  const answered: string[] = [];
  const batches = Array.from({ length: 40 }, async (_, index) => {
    const id = `e${index.toString()}`;
    const answer = await post(first.url, '/api/events/batch', batchOf(id), tokens.access_token).catch(
      () => undefined,
    );
    if (answer?.status !== 200) return;
    answered.push(id);
    if (answered.length === 5) await first.kill('SIGKILL');
  });
  await Promise.all(batches);
  expect(answered.length).toBeGreaterThanOrEqual(5);

  const second = await startProcess(program, options);
  const api = createLocalApi({ database: options.database });
  const stored = api.store.listEvents().map(({ id }) => id);
  expect(stored).toEqual(expect.arrayContaining(answered));
  expect(new Set(stored).size).toBe(stored.length);
  await api.close();

  const next = await tokensOf(second.url, {
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
  });
  expect(next.scope).toEqual(['monitoring']);
  const reused = await post(second.url, '/api/auth/token', {
    grant_type: 'refresh_token',
    refresh_token: used,
  });
  expect(await reused.json()).toMatchObject({ error_description: 'refresh token reuse detected' });
  await second.kill('SIGTERM');
});

test('what expired long ago is forgotten, what may still matter is not', async () => {
  const api = testApi({ tokenTtlMs: 1_000, refreshTokenTtlMs: 86_400_000 });
  const old = await api.login();
  const { access_token: lone } = await api.login();
  api.clock.advance(3 * 3_600_000);
  api.store.prune({ force: true });
  expect(api.store.accessTokens.find('')).toBeUndefined();
  expect((await api.get('/api/auth/validate', lone)).headers.get('www-authenticate')).toBe(
    'Bearer error="invalid_token"',
  );
  expect((await api.refresh(old.refresh_token)).status).toBe(200);
  expect(await (await api.refresh(old.refresh_token)).json()).toMatchObject({
    error_description: 'refresh token reuse detected',
  });
  api.clock.advance(2 * 86_400_000);
  api.store.prune({ force: true });
  expect(await (await api.refresh(old.refresh_token)).json()).toMatchObject({
    error_description: 'unknown refresh token',
  });
});
