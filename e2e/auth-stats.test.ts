import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi, storedEvents } from './support/api.js';
import { API_KEY, accountAt, environment, monitoring, runKm, startKm } from './support/km.js';
import { ECHO } from './support/scripted-servers.js';
import { flawsBySchema } from './support/schema.js';
import { until } from './support/until.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];

type Stats = {
  readonly scopes: readonly Readonly<Record<string, unknown>>[];
  readonly events: readonly { readonly kind: string; readonly count: number }[];
  readonly unusual: readonly { readonly kind: string }[];
};

async function statsOf(env: Record<string, string>): Promise<Stats> {
  const { code, stdout, stderr } = await runKm(['auth', 'stats', '--json'], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(flawsBySchema('auth-stats', stdout)).toEqual([]);
  return JSON.parse(stdout) as Stats;
}

function folderOf(env: Record<string, string>): string {
  return join(env['HOME'] ?? '', '.local', 'state', 'kilometers', 'analytics');
}

describe('km auth stats', () => {
  test('counts what was obtained, and no hits', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    for (let time = 0; time < 4; time += 1) await runKm(TOKEN, { env });
    await runKm(['auth', 'refresh', '--scope', 'monitoring'], { env });
    const { scopes, unusual } = await statsOf(env);
    expect(scopes).toMatchObject([
      {
        profile: 'default',
        endpoint: api.url,
        scope: 'monitoring',
        refreshes: 2,
        failures: 0,
        retries: 0,
        commands: { 'auth token': 1, 'auth refresh': 1 },
      },
    ]);
    expect(unusual).toEqual([]);
  });

  test('for people: what it was, in lines of at most 80 columns', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    expect((await runKm(['auth', 'stats'], { env })).stdout).toMatch(
      /^No token was obtained in the last 7 d\./,
    );
    await runKm(TOKEN, { env });
    const { stdout } = await runKm(['auth', 'stats', '--since', '1h'], { env });
    expect(stdout).toContain('obtained 1, failed 0, sent again 0');
    expect(stdout).toContain('by km auth token 1');
    expect(stdout).toContain('Nothing unusual in the last 60 m.');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('counts failures and what was sent again', async () => {
    const api = await startApi({ trouble: ['path=/api/auth/token,status=503,count=2,retry-after=none'] });
    const env = accountAt(api.url, { KM_RETRY_INTERVAL: '50ms' });
    await runKm(TOKEN, { env });
    await api.close();
    await runKm(['auth', 'token', '--scope', 'plugins'], { env: { ...env, KM_MAX_RETRIES: '0' } });
    const { scopes, events } = await statsOf(env);
    expect(scopes).toMatchObject([
      { scope: 'monitoring', refreshes: 1, failures: 0, retries: 2 },
      { scope: 'plugins', refreshes: 0, failures: 1, latencyMs: null },
    ]);
    expect(events).toMatchObject([{ kind: 'offline', count: 1 }]);
  });

  test('a process that runs for long records while it runs', async () => {
    const api = await startApi({ tokenTtlMs: 2_000 });
    const env = accountAt(api.url, { KM_CHECK_INTERVAL: '100ms' });
    const km = startKm(monitoring(ECHO), env);
    km.child.stdin.write('{"jsonrpc":"2.0","method":"note"}\n');
    await until('the first events', () => storedEvents(api).length === 2);
    await until('its refreshes', async () => {
      const { scopes } = await statsOf(env);
      return Number(scopes[0]?.['refreshes'] ?? 0) >= 2;
    });
    km.child.stdin.end();
    await km.ended;
  });

  test('tells of what is unusual, once', async () => {
    const api = await startApi();
    // Each process wins a token of its own.
    const env = accountAt(api.url, { KM_NO_TOKEN_CACHE: '1' });
    let told = '';
    for (let time = 0; time < 12; time += 1) told += (await runKm(TOKEN, { env })).stderr;
    expect(told.match(/km: unusual, monitoring: /g)).toHaveLength(1);
    expect(told).toContain('KM_NO_TOKEN_CACHE');
    expect((await statsOf(env)).unusual).toMatchObject([{ kind: 'refresh-burst' }]);
  });

  test('writes no secret, for nobody else, and nothing with KM_NO_ANALYTICS', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const { stdout: token } = await runKm(TOKEN, { env });
    const [name = ''] = readdirSync(folderOf(env));
    const file = join(folderOf(env), name);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(folderOf(env)).mode & 0o777).toBe(0o700);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(API_KEY);
    expect(text).not.toContain(token.trim());

    rmSync(folderOf(env), { recursive: true });
    const off = { ...env, KM_NO_ANALYTICS: '1' };
    await runKm(['auth', 'refresh', '--scope', 'monitoring'], { env: off });
    expect(() => readdirSync(folderOf(env))).toThrow();
    expect(await runKm(['auth', 'stats'], { env: off })).toMatchObject({ code: 1, stdout: '' });
  });

  test('where nothing can be recorded, tokens come all the same, and nobody is bothered', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    mkdirSync(join(env['HOME'] ?? '', '.local', 'state'), { recursive: true });
    writeFileSync(join(env['HOME'] ?? '', '.local', 'state', 'kilometers'), 'in the way');
    const run = await runKm(TOKEN, { env });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect((await statsOf(env)).scopes).toEqual([]);
  });

  test.each([
    ['yesterday', 'Give a duration such as'],
    ['32d', 'Give a duration up to 31d'],
  ])('does not look back %j', async (since, said) => {
    const run = await runKm(['auth', 'stats', '--since', since], { env: environment() });
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(said);
  });

  test('looks back over all that is kept', async () => {
    const run = await runKm(['auth', 'stats', '--since', '31d'], { env: environment() });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('in the last 31 d');
  });
});
