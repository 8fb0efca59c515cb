import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, accountAt, environment, runKm } from './support/km.js';

type Check = { readonly name: string; readonly state: string; readonly detail: string };

async function checksOf(env: Record<string, string>) {
  const { code, stdout } = await runKm(['doctor', '--json'], { env });
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Check[] };
  return { code, states: Object.fromEntries(checks.map(({ name, state }) => [name, state])), checks };
}

describe('km doctor', () => {
  test('finds nothing wrong after a login, and says where the key of the cache is', async () => {
    const api = await startApi();
    const env = environment();
    await runKm(['auth', 'login', '--api-key-stdin', '--endpoint', api.url], { env, input: API_KEY });
    const { code, states, checks } = await checksOf(env);

    expect(code).toBe(0);
    expect(new Set(Object.values(states))).toEqual(new Set(['ok']));
    expect(checks.find(({ name }) => name === 'cache')?.detail).toMatch(/key from the key file$/);
  });

  test('with nobody logged in and no API fails, and says what to do about each', async () => {
    const api = await startApi();
    await api.close();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const { code, stdout } = await runKm(['doctor'], { env });

    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed {3}endpoint: .*ECONNREFUSED/m);
    expect(stdout).toMatch(/^failed {3}login: nobody is logged in\n {9}run km auth login/m);
  });

  test.each(['.auth_cache', '.credentials', '.cache_key'])('works with garbage in %s', async (file) => {
    const api = await startApi();
    const env = accountAt(api.url);
    await runKm(['auth', 'token'], { env });
    await writeFile(join(env['HOME'] ?? '', '.config', 'kilometers', file), 'garbage', { mode: 0o600 });
    const { states } = await checksOf(env);

    expect(states['login']).toBe('ok');
    expect(states['endpoint']).toBe('ok');
    if (file !== '.cache_key') expect(states['files']).toBe('warning');
  });

  test('names no key and no token', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const token = await runKm(['auth', 'token'], { env });
    const { stdout, stderr } = await runKm(['doctor'], { env: { ...env, KM_DEBUG: 'true' } });

    expect(stdout + stderr).not.toContain(token.stdout.trim());
    expect(stdout + stderr).not.toContain(API_KEY);
  });
});
