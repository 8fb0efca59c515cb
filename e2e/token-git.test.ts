import { dirname, join } from 'node:path';
import { createAuthManager, createFileCache } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { startGitServer } from './support/git-server.js';
import { API_KEY, KM, accountAt, runKm, start } from './support/km.js';
import { configFolderOf } from './support/login-owner.js';
import { isValid } from './support/validate.js';

const GIT = ['auth', 'token', '--format', 'git'];

/** Runs git with `km` as its only credential helper. */
async function git(args: readonly string[], host: string, env: Record<string, string>) {
  const helper = `!km auth token --format git --scope monitoring --host ${host}`;
  const alone = ['-c', 'credential.helper=', '-c', `credential.helper=${helper}`];
  const run = start('git', [...alone, ...args], {
    ...env,
    PATH: [dirname(KM), dirname(process.execPath), env['PATH']].join(':'),
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
  });
  run.child.stdin.end();
  return { ...(await run.ended), stderr: run.stderr() };
}

function request(lines: readonly string[]): string {
  return `${lines.join('\n')}\n\n`;
}

describe('km auth token --format git', () => {
  test('lets a real git clone and fetch from a server that demands the token', async () => {
    const api = await startApi();
    const server = await startGitServer((password) => isValid(api.url, password));
    const env = accountAt(api.url);
    const folder = join(temporaryFolder(), 'code');

    expect(await git(['clone', '-q', server.url, folder], server.host, env)).toMatchObject({ code: 0 });
    expect(await git(['-C', folder, 'fetch', '-q'], server.host, env)).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
    expect(new Set(server.passwords.filter((password) => password !== undefined)).size).toBe(1);
  });

  test('after a refusal brings another token: git fails once, and works again', async () => {
    const api = await startApi();
    const refused = new Set<string>();
    const server = await startGitServer((password) => !refused.has(password));
    const env = accountAt(api.url);
    const first = (await runKm(['auth', 'token', '--scope', 'monitoring'], { env })).stdout.trim();
    refused.add(first);

    expect((await git(['ls-remote', server.url], server.host, env)).code).toBe(128);
    expect((await git(['ls-remote', server.url], server.host, env)).code).toBe(0);
    expect(server.passwords.filter((password) => password === first)).toHaveLength(1);
  });

  test('a server that refuses every token meets the storm brake, not the API', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const lines = ['protocol=http', `host=${new URL(api.url).host}`];
    // The first eight are refused within a moment: what counts is what comes within half a minute.
    const cache = createFileCache({ folder: configFolderOf(env), environment: env });
    const manager = createAuthManager({ apiEndpoint: api.url, apiKey: API_KEY, cache });
    let rejected = await manager.getValidToken();
    for (let time = 0; time < 8; time += 1) rejected = await manager.forceRefresh('default', { rejected });
    await manager.stop();
    const codes: (number | null)[] = [];
    let token = '';
    for (let time = 0; time < 4; time += 1) {
      const { code, stdout } = await runKm([...GIT, 'get'], { env, input: request(lines) });
      codes.push(code);
      token = /^password=(.*)$/m.exec(stdout)?.[1] ?? token;
      await runKm([...GIT, 'erase'], { env, input: request([...lines, `password=${token}`]) });
    }
    expect(codes).toEqual([0, 0, 75, 75]);
  });

  test('gives the token to the API of the profile itself, with when it ends', async () => {
    const api = await startApi({ tokenTtlMs: 3_600_000 });
    const env = accountAt(api.url);
    const input = request(['protocol=http', `host=${new URL(api.url).host}`, 'username=me']);
    const { code, stdout, stderr } = await runKm([...GIT, 'get'], { env, input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [username, password = '', expiry = ''] = stdout.split('\n');
    expect(username).toBe('username=me');
    expect(await isValid(api.url, password.replace('password=', ''))).toBe(true);
    const leftS = Number(expiry.replace('password_expiry_utc=', '')) - Date.now() / 1000;
    expect(leftS).toBeGreaterThan(3_500);
    expect(leftS).toBeLessThanOrEqual(3_600);
  });

  test.each([
    ['another host', ['protocol=https', 'host=example.com'], ''],
    ['another port of a host that is named', ['protocol=https', 'host=named.example:8443'], ''],
    ['a host that ends like one that is named', ['protocol=https', 'host=evil-named.example'], ''],
    ['a named host by plain http', ['protocol=http', 'host=named.example'], 'plain http'],
    ['what is no web server', ['protocol=ssh', 'host=named.example'], ''],
    ['nobody in particular', ['username=x'], ''],
  ])('has nothing for %s', async (_, lines, said) => {
    const api = await startApi();
    const args = [...GIT, '--host', 'named.example', 'get'];
    const run = await runKm(args, { env: accountAt(api.url), input: request(lines) });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain(said);
    if (said === '') expect(run.stderr).toBe('');
  });

  test('to a git that can, and a server that asks for it, gives the token as what it is', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const server = ['protocol=http', `host=${new URL(api.url).host}`];
    const ask = async (...lines: string[]) =>
      (await runKm([...GIT, 'get'], { env, input: request([...server, ...lines]) })).stdout;

    const bearer = await ask('capability[]=authtype', 'wwwauth[]=Bearer realm="code"');
    expect(bearer).toMatch(
      /^capability\[\]=authtype\nauthtype=Bearer\ncredential=\S+\nephemeral=1\npassword_expiry_utc=\d+\n$/,
    );
    expect(await ask('capability[]=authtype', 'wwwauth[]=Basic realm="code"')).toMatch(/^username=oauth2\n/);
    expect(await ask('wwwauth[]=Bearer realm="code"')).toMatch(/^username=oauth2\npassword=/);
  });

  test('keeps nothing, erases no token that is not the one refused, and ignores words it does not know', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const before = (await runKm(['auth', 'token'], { env })).stdout;
    const input = request(['protocol=http', `host=${new URL(api.url).host}`, 'password=another']);
    for (const action of ['store', 'erase', 'dance']) {
      expect(await runKm([...GIT, action], { env, input })).toMatchObject({
        code: 0,
        stdout: '',
        stderr: '',
      });
    }
    expect((await runKm(['auth', 'token'], { env })).stdout).toBe(before);
  });

  test('says how it is used when it is used otherwise', async () => {
    for (const args of [GIT, [...GIT, '--host', 'https://x/y', 'get'], ['auth', 'token', 'get']]) {
      const run = await runKm(args, { env: accountAt('http://127.0.0.1:9') });
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toMatch(/^km: [^\n]+\n$/);
    }
  });

  test('without a login gives nothing and says what to do', async () => {
    const run = await runKm([...GIT, 'get'], {
      input: request(['protocol=https', 'host=api.kilometers.ai']),
    });
    expect(run).toMatchObject({ code: 4, stdout: '' });
    expect(run.stderr).toContain('km auth login');
  });
});
