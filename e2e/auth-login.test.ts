import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm, startKm } from './support/km.js';

const CLIENT = { clientId: 'builds', clientSecret: 'km_secret_of_builds', tier: 'enterprise' } as const;

const LOGIN = ['auth', 'login', '--api-key-stdin'];

function configFolderOf(env: Readonly<Record<string, string>>): string {
  return join(env['HOME'] ?? '', '.config', 'kilometers');
}

/** The contents of all files under a folder, as one text. */
function everythingUnder(folder: string): string {
  if (!existsSync(folder)) return '';
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('km auth login', () => {
  test('after it, tokens come without an API key in the environment, from the endpoint logged in to', async () => {
    const api = await startApi();
    const env = environment();
    const login = await runKm([...LOGIN, '--endpoint', api.url], { env, input: `  ${API_KEY}\r\n` });
    expect(login).toMatchObject({ code: 0, stdout: '' });
    expect(login.stderr).toMatch(
      /^km: profile default is logged in to http:\S+ as \S+ \(tier \w+\)\n {4}features: basic_monitoring, /,
    );
    expect(login.stderr).toContain(api.url);
    const token = await runKm(['auth', 'token', '--scope', 'monitoring'], { env });
    expect(token).toMatchObject({ code: 0, stderr: '' });
    const answer = await fetch(`${api.url}/api/auth/validate`, {
      headers: { authorization: `Bearer ${token.stdout.trim()}` },
    });
    expect(answer.status).toBe(200);
  });

  test('the token that proved it is the one that the next command prints', async () => {
    let requests = 0;
    const api = await startApi({ onEvent: ({ type }) => (requests += type === 'token.issued' ? 1 : 0) });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(LOGIN, { env, input: API_KEY });
    expect((await runKm(['auth', 'token', '--scope', 'monitoring'], { env })).code).toBe(0);
    expect(requests).toBe(1);
  });

  test('takes client credentials', async () => {
    const api = await startApi({ clients: [CLIENT] });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const run = await runKm(['auth', 'login', '--client-id', CLIENT.clientId, '--client-secret-stdin'], {
      env,
      input: CLIENT.clientSecret,
    });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('(tier enterprise)');
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
  });

  test('takes scopes one by one and several in one, each once', async () => {
    const events: ApiEvent[] = [];
    const api = await startApi({ onEvent: (event) => events.push(event) });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const scopes = ['--scope', 'monitoring  plugins', '--scope', 'monitoring'];
    expect(await runKm([...LOGIN, ...scopes], { env, input: API_KEY })).toMatchObject({ code: 0 });
    const token = await runKm(['auth', 'token', '--scope', 'plugins monitoring'], { env });
    expect(token).toMatchObject({ code: 0, stderr: '' });
    const issued = events.filter(({ type }) => type === 'token.issued');
    expect(issued).toMatchObject([{ scope: ['monitoring', 'plugins'] }]);
  });

  test('keeps profiles apart', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm([...LOGIN, '--profile', 'work'], { env, input: API_KEY });
    expect(await runKm(['auth', 'token', '--profile', 'work'], { env })).toMatchObject({ code: 0 });
    expect(await runKm(['auth', 'token'], { env: { ...env, KM_PROFILE: 'work' } })).toMatchObject({
      code: 0,
    });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 4, stdout: '' });
    const other = await runKm(['auth', 'token', '--profile', 'home'], { env });
    expect(other.stderr).toBe('km: nobody is logged in; run `km auth login --profile home`\n');
  });

  test('stores nothing of a key that the API refuses', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const run = await runKm(LOGIN, { env, input: 'km_live_wrong' });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toMatch(/^km: [^\n]*refused[^\n]*; nothing was stored\n$/);
    expect(existsSync(configFolderOf(env))).toBe(false);
  });

  test('a refused key leaves the login from before as it is', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    await runKm(LOGIN, { env, input: API_KEY });
    expect((await runKm(LOGIN, { env, input: 'km_live_wrong' })).code).toBe(1);
    expect(await runKm(['auth', 'token', '--scope', 'plugins'], { env })).toMatchObject({ code: 0 });
  });

  test('when the API cannot be reached exits with 75 and stores nothing', async () => {
    const api = await startApi();
    await api.close();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url, KM_MAX_RETRIES: '0' });
    expect(await runKm(LOGIN, { env, input: API_KEY })).toMatchObject({ code: 75, stdout: '' });
    expect(existsSync(configFolderOf(env))).toBe(false);
  });

  test('a stored key is never sent to another endpoint', async () => {
    const api = await startApi();
    const seen: string[] = [];
    const other = await startApi({ onEvent: ({ type }) => seen.push(type) });
    const env = environment();
    await runKm([...LOGIN, '--endpoint', api.url], { env, input: API_KEY });
    const byFlag = await runKm(['auth', 'token', '--endpoint', other.url], { env });
    expect(byFlag).toMatchObject({ code: 4, stdout: '' });
    expect(byFlag.stderr).toContain(`is logged in to ${api.url}`);
    expect(byFlag.stderr).toContain(`km auth login --endpoint ${other.url}`);
    const byVariable = await runKm(['auth', 'token'], {
      env: { ...env, KILOMETERS_API_ENDPOINT: other.url },
    });
    expect(byVariable).toMatchObject({ code: 4, stdout: '' });
    expect(seen).toEqual([]);
  });

  test('an API key in the environment goes before the login', async () => {
    const api = await startApi({ apiKeys: [API_KEY, 'km_ent_other'] });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: 'km_live_wrong' });
    const login = await runKm(LOGIN, { env, input: API_KEY });
    expect(login).toMatchObject({ code: 0 });
    expect(login.stderr).toContain('KILOMETERS_API_KEY is set');
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 1, stdout: '' });
  });

  test.each([
    [{ KM_NO_TOKEN_CACHE: '1' }, 'KM_NO_TOKEN_CACHE'],
    [{ HOME: '/dev/null' }, '/dev/null'],
  ])('refuses where nothing could be kept: %o', async (variables, said) => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url, ...variables });
    const run = await runKm(LOGIN, { env, input: API_KEY });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain(said);
  });

  test.each([
    { args: [], said: '--api-key-stdin' },
    { args: ['--api-key-stdin', '--client-id', 'x'], said: 'not both' },
    { args: ['--web', '--device'], said: 'give one, not both' },
    { args: ['--client-id', 'x'], said: '--client-secret-stdin' },
    { args: ['--device', '--profile', '../up'], said: 'not a profile name' },
    { args: ['--client-secret-stdin'], said: '--client-id' },
    { args: ['--api-key-stdin', '--scope', ''], said: '--scope is empty' },
    { args: ['--api-key-stdin', '--scope', 'plugins', '--scope', ' '], said: '--scope is empty' },
    { args: ['--api-key-stdin', '--scope', 'a"b'], said: 'is not a scope' },
    { args: ['--api-key-stdin'], said: 'no API key on standard input' },
  ])('does not wait and does not guess: $args', async ({ args, said }) => {
    const run = await runKm(['auth', 'login', ...args]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/^km: [^\n]+\n$/);
    expect(run.stderr).toContain(said);
  });

  test('takes the first line, and does not wait for the end of the input', async () => {
    const api = await startApi();
    const km = startKm(LOGIN, environment({ KILOMETERS_API_ENDPOINT: api.url }));
    km.child.stdin.write(`${API_KEY}\n`);
    expect(await km.ended).toEqual({ code: 0, signal: null });
  });

  test('shows the key nowhere: not in what it says, not in any file', async () => {
    const api = await startApi();
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url, KM_DEBUG: 'true' });
    const login = await runKm(LOGIN, { env, input: API_KEY });
    const { stdout, stderr } = await runKm(['auth', 'token'], { env });
    const all = login.stdout + login.stderr + stderr + everythingUnder(env['HOME'] ?? '');
    expect(existsSync(join(configFolderOf(env), '.credentials'))).toBe(true);
    expect(all).not.toContain(API_KEY);
    expect(all).not.toContain(stdout.trim());
    const refused = await runKm(LOGIN, { env, input: 'km_live_wrong_and_secret' });
    expect(refused.stdout + refused.stderr).not.toContain('km_live_wrong_and_secret');
  });
});
