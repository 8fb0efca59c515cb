import { describe, expect, test } from 'vitest';
import { API_KEY, accountAt, environment, runKm } from './support/km.js';
import { startApi } from './support/api.js';

describe('km auth token', () => {
  test('prints a token that the API takes, and nothing else', async () => {
    const api = await startApi();
    const { code, stdout, stderr } = await runKm(['auth', 'token', '--scope', 'monitoring'], {
      env: accountAt(api.url),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S+\n$/);
    const answer = await fetch(`${api.url}/api/auth/validate`, {
      headers: { authorization: `Bearer ${stdout.trim()}` },
    });
    expect(answer.status).toBe(200);
  });

  test('prints it as a header', async () => {
    const api = await startApi();
    const { stdout } = await runKm(['auth', 'token', '--format', 'header'], { env: accountAt(api.url) });
    expect(stdout).toMatch(/^Authorization: Bearer \S+\n$/);
  });

  test('prints it as JSON', async () => {
    const api = await startApi({ tokenTtlMs: 60_000 });
    const { stdout } = await runKm(['auth', 'token', '--scope', 'monitoring', '--format', 'json'], {
      env: accountAt(api.url),
    });
    const token = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    expect(token).toMatchObject({ type: 'Bearer', scopes: ['monitoring'] });
    const lifetimeMs = Date.parse(String(token['expiresAt'])) - Date.parse(String(token['issuedAt']));
    expect(lifetimeMs).toBeGreaterThan(50_000);
    expect(lifetimeMs).toBeLessThanOrEqual(60_000);
  });

  test('takes flags before the environment', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_KEY: API_KEY, KILOMETERS_API_ENDPOINT: 'http://127.0.0.1:9' });
    expect(await runKm(['auth', 'token', '--endpoint', api.url], { env })).toMatchObject({ code: 0 });
  });

  test('without a login exits with 4 and says what to do', async () => {
    const run = await runKm(['auth', 'token']);
    expect(run).toMatchObject({ code: 4, stdout: '' });
    expect(run.stderr).toBe('km: nobody is logged in; run `km auth login`\n');
  });

  test('when the API cannot be reached exits with 75', async () => {
    const api = await startApi();
    await api.close();
    const env = accountAt(api.url, { KM_MAX_RETRIES: '1', KM_RETRY_INTERVAL: '100ms' });
    const run = await runKm(['auth', 'token'], { env });
    expect(run).toMatchObject({ code: 75, stdout: '' });
    expect(run.stderr).toMatch(/^km: [^\n]*cannot be reached[^\n]*\n$/);
  });

  test('when tokens never live that long says so, instead of trying for ever', async () => {
    const api = await startApi({ tokenTtlMs: 30_000 });
    const run = await runKm(['auth', 'token', '--min-valid', '10m'], { env: accountAt(api.url) });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: [^\n]+\n$/);
  });

  test('for several scopes is one, whether they are given in one flag or in many; the others know it', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const scopes = ['--scope', 'plugins', '--scope', 'monitoring'];
    const token = await runKm(['auth', 'token', ...scopes], { env });
    expect(token).toMatchObject({ code: 0, stderr: '' });
    const others = [
      ['auth', 'token', '--scope', 'monitoring plugins'],
      ['auth', 'exec', ...scopes, '--', 'sh', '-c', 'echo "$KM_TOKEN"'],
    ];
    for (const words of others)
      expect(await runKm(words, { env })).toMatchObject({ code: 0, stdout: token.stdout });
    const refresh = await runKm(['auth', 'refresh', ...scopes, '--json'], { env });
    expect(JSON.parse(refresh.stdout)).toMatchObject({
      scopes: [{ scope: 'plugins' }, { scope: 'monitoring' }],
    });
  });

  test.each([['token'], ['refresh'], ['revoke']])('auth %s refuses a scope that is empty', async (name) => {
    const run = await runKm(['auth', name, '--scope', 'monitoring', '--scope', ''], {
      env: accountAt('http://127.0.0.1:9'),
    });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('Give one or more words');
  });

  test('never shows the key or a token on stderr, not even with KM_DEBUG=true', async () => {
    const api = await startApi();
    const env = accountAt(api.url, { KM_DEBUG: 'true' });
    const { stdout, stderr } = await runKm(['auth', 'token'], { env });
    expect(stderr).not.toBe('');
    expect(stderr).not.toContain(API_KEY);
    expect(stderr).not.toContain(stdout.trim());
  });
});
