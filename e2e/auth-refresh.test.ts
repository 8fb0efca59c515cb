import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { age, DUE_MS } from './support/age.js';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { flawsBySchema } from './support/schema.js';
import { isValid } from './support/validate.js';

const REFRESH = ['auth', 'refresh'];
const NO_RETRY = { KM_MAX_RETRIES: '0' };

type Report = { readonly scopes: readonly { readonly scope: string; readonly outcome: string }[] };

async function tokenOf(env: Record<string, string>, scope = 'monitoring'): Promise<string> {
  return (await runKm(['auth', 'token', '--scope', scope], { env })).stdout.trim();
}

/** The exit code, and what became of each scope. */
async function outcomes(
  args: readonly string[],
  env: Record<string, string>,
): Promise<Readonly<Record<string, string | number | null>>> {
  const { code, stdout } = await runKm([...REFRESH, ...args, '--json'], { env });
  expect(flawsBySchema('auth-refresh', stdout)).toEqual([]);
  const { scopes } = JSON.parse(stdout) as Report;
  return { code, ...Object.fromEntries(scopes.map(({ scope, outcome }) => [scope, outcome])) };
}

describe('km auth refresh', () => {
  test('brings a newer token, which everybody gets from then on', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const before = await tokenOf(env);
    const run = await runKm([...REFRESH, '--scope', 'monitoring'], { env });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toMatch(/^km: monitoring: refreshed, good for \d[^\n]*\n$/);
    const after = await tokenOf(env);
    expect(after).not.toBe(before);
    expect(await isValid(api.url, after)).toBe(true);
  });

  test('--all refreshes every token of the account, with one request where one will do', async () => {
    const seen: ApiEvent[] = [];
    const api = await startApi({ onEvent: (event) => seen.push(event) });
    const env = accountAt(api.url);
    const before = [await tokenOf(env), await tokenOf(env, 'plugins')];
    seen.splice(0);
    // The second has its token from the request for the first.
    expect(await outcomes(['--all'], env)).toEqual({
      code: 0,
      monitoring: 'refreshed',
      plugins: 'refreshed',
    });
    expect(seen.filter(({ type }) => type === 'token.refreshed')).toHaveLength(1);
    expect(seen.filter(({ type }) => type === 'token.issued')).toHaveLength(0);
    const after = [await tokenOf(env), await tokenOf(env, 'plugins')];
    expect(after.some((token) => before.includes(token))).toBe(false);
  });

  test('--all, where nobody is logged in, says so with 4', async () => {
    const run = await runKm([...REFRESH, '--all']);
    expect(run).toMatchObject({ code: 4, stdout: '' });
    expect(run.stderr).toBe('km: nobody is logged in; run `km auth login`\n');
  });

  test('--all without a token has nothing to do', async () => {
    const api = await startApi();
    const run = await runKm([...REFRESH, '--all'], { env: accountAt(api.url) });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('no tokens yet');
  });

  test('--if-due leaves a token alone until its refresh point', async () => {
    const seen: ApiEvent[] = [];
    const api = await startApi({ onEvent: (event) => seen.push(event) });
    const env = accountAt(api.url);
    const first = await tokenOf(env);
    expect(await outcomes(['--scope', 'monitoring', '--if-due'], env)).toEqual({
      code: 0,
      monitoring: 'not-due',
    });
    expect(seen.filter(({ type }) => type === 'token.refreshed')).toHaveLength(0);
    await age(env, DUE_MS);
    expect(await outcomes(['--scope', 'monitoring', '--if-due'], env)).toEqual({
      code: 0,
      monitoring: 'refreshed',
    });
    expect(seen.filter(({ type }) => type === 'token.refreshed')).toHaveLength(1);
    expect(await tokenOf(env)).not.toBe(first);
  });

  test('without the API exits with 75, and the token that there is stays', async () => {
    const api = await startApi();
    const env = accountAt(api.url, NO_RETRY);
    const before = await tokenOf(env);
    await api.close();
    const run = await runKm([...REFRESH, '--scope', 'monitoring', '--json'], { env });
    expect(run.code).toBe(75);
    expect(JSON.parse(run.stdout)).toMatchObject({
      scopes: [{ scope: 'monitoring', outcome: 'failed', code: 'KM_AUTH_UNREACHABLE' }],
    });
    expect(run.stderr).toMatch(/^km: monitoring: not refreshed: [^\n]+\n$/);
    expect(await tokenOf(env)).toBe(before);
  });

  test('--if-due says with 75 that a token which is due could not be refreshed, though it is still good', async () => {
    const api = await startApi();
    const env = accountAt(api.url, NO_RETRY);
    const before = await tokenOf(env);
    await api.close();
    await age(env, DUE_MS);
    expect(await runKm([...REFRESH, '--scope', 'monitoring', '--if-due'], { env })).toMatchObject({
      code: 75,
    });
    expect(await tokenOf(env)).toBe(before);
  });

  test('without a login exits with 4, and with two ways at once with 2', async () => {
    expect(await runKm(REFRESH)).toMatchObject({ code: 4, stdout: '' });
    expect(await runKm([...REFRESH, '--all', '--scope', 'x'])).toMatchObject({ code: 2, stdout: '' });
  });
});
