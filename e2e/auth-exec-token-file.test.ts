import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, API_KEY, environment, runKm, startKm } from './support/km.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { JWT_API, startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';
import { isValid } from './support/validate.js';

/** Arguments that run `script`, JavaScript text, with a token. */
function executing(script: string, ...options: readonly string[]): string[] {
  return ['auth', 'exec', ...options, '--', process.execPath, '-e', script];
}

/** A command that goes on until its input ends, as it does where km is killed. */
const UNTIL_EOF = 'process.stdin.resume()';

describe('km auth exec --token-file', () => {
  const WATCH = `
    const { readFileSync, statSync } = require('node:fs');
    const seen = new Set();
    setInterval(() => {
      const token = readFileSync(process.env.KM_TOKEN_FILE, 'utf8');
      if (seen.has(token)) return;
      seen.add(token);
      console.log(JSON.stringify({ token, mode: statSync(process.env.KM_TOKEN_FILE).mode & 0o777 }));
      if (seen.size === 3) process.exit(0);
    }, 1);`;

  test('keeps the token in a file, fresh and whole, and removes it at the end', async () => {
    const api = await startApi({ tokenTtlMs: 5_000 });
    const folder = temporaryFolder();
    const file = join(folder, 'token');
    const { code, stdout, stderr } = await runKm(executing(WATCH, '--token-file', file), {
      env: accountAt(api.url, { KM_CHECK_INTERVAL: '200ms' }),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly token: string; readonly mode: number });
    expect(seen).toHaveLength(3);
    expect(seen.every(({ token, mode }) => /^eyJ\S+$/.test(token) && mode === 0o600)).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('has each newer token as soon as it is there, not with the next one', async () => {
    const api = await startApi({
      tokenTtlMs: 4_000,
      onEvent: (event) => {
        // There is none after it.
        if (event.type === 'token.refreshed') api.trouble.add('path=/api/auth/token,drop=before,count=inf');
      },
    });
    const file = join(temporaryFolder(), 'token');
    const env = accountAt(api.url, { KM_CHECK_INTERVAL: '100ms' });
    const km = startKm(executing(UNTIL_EOF, '--token-file', file), env);
    const first = await until('the file', () => existsSync(file) && readFileSync(file, 'utf8'));
    await until('the newer token', () => readFileSync(file, 'utf8') !== first);
    km.child.kill('SIGTERM');
    await km.ended;
  });

  test('keeps the token of a login that is for one API of its issuer fresh as well', async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: 5 });
    const { env } = await logInByWeb([...at(server), ...WEB, '--resource', JWT_API]);
    const file = join(temporaryFolder(), 'token');
    const run = await runKm(executing(WATCH, '--token-file', file), {
      env: { ...env, KM_CHECK_INTERVAL: '200ms' },
    });
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(run.stdout.trim().split('\n')).toHaveLength(3);
  });

  test('sends a signal for each newer token', async () => {
    const api = await startApi();
    const file = join(temporaryFolder(), 'token');
    const script = `
      const { readFileSync } = require('node:fs');
      const seen = [readFileSync('${file}', 'utf8')];
      process.on('SIGUSR1', () => {
        seen.push(readFileSync('${file}', 'utf8'));
        console.log(seen.length + ' read, ' + new Set(seen).size + ' tokens');
        if (seen.length === 3) process.exit(0);
      });
      setInterval(() => {}, 1000);
      console.log('ready');`;
    const env = accountAt(api.url, { KM_CHECK_INTERVAL: '200ms' });
    const km = startKm(executing(script, '--token-file', file, '--refresh-signal', 'usr1'), env);
    const said = (line: string): boolean => km.stdout().toString().endsWith(line);
    // Each newer token comes from another km, once the command has the one before: a signal may not find it at its start.
    await until('the command listens', () => said('ready\n'));
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    await until('the first signal', () => said('2 tokens\n'));
    expect(await runKm(['auth', 'refresh'], { env })).toMatchObject({ code: 0 });
    expect(await km.ended, km.stderr()).toEqual({ code: 0, signal: null });
    expect(km.stdout().toString()).toBe('ready\n2 read, 2 tokens\n3 read, 3 tokens\n');
    expect(km.stderr()).toBe('');
  });

  test('goes on through an outage, says so once, and has a newer token after it', async () => {
    const api = await startApi({ tokenTtlMs: 2_000 });
    const file = join(temporaryFolder(), 'token');
    const env = accountAt(api.url, {
      KM_CHECK_INTERVAL: '100ms',
      KM_MAX_RETRIES: '0',
      KM_RETRY_INTERVAL: '100ms',
    });
    const km = startKm(executing(UNTIL_EOF, '--token-file', file), env);
    const first = await until('the file', () => existsSync(file) && readFileSync(file, 'utf8'));
    const { port } = new URL(api.url);
    await api.close();
    await until('the outage is told', () => km.stderr().includes('no newer token'));
    await startApi({ tokenTtlMs: 2_000, port: Number(port) });
    await until('a newer token', () => readFileSync(file, 'utf8') !== first);
    km.child.kill('SIGTERM');
    expect(await km.ended).toEqual({ code: 143, signal: null });
    expect(km.stderr().match(/no newer token/g)).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
  });

  /** A command with a token file, of an account that is looked at often. */
  function following(env: Record<string, string>) {
    const file = join(temporaryFolder(), 'token');
    const often = { ...env, KM_CHECK_INTERVAL: '100ms', KM_RETRY_INTERVAL: '100ms' };
    const km = startKm(executing(UNTIL_EOF, '--token-file', file), often);
    const tokenAfter = (before: string): Promise<string> =>
      until('another token', () => {
        const token = existsSync(file) ? readFileSync(file, 'utf8') : before;
        return token === before ? '' : token;
      });
    return { km, tokenAfter };
  }

  test.each([
    ['km auth revoke', ['auth', 'revoke']],
    ['km auth revoke of its scope', ['auth', 'revoke', '--scope', 'default']],
  ])('has a token that the API takes after %s', async (_, revoking) => {
    const api = await startApi();
    const env = accountAt(api.url);
    const { km, tokenAfter } = following(env);
    const first = await tokenAfter('');
    expect(await runKm(revoking, { env })).toMatchObject({ code: 0 });
    const next = await tokenAfter(first);
    expect([await isValid(api.url, first), await isValid(api.url, next)]).toEqual([false, true]);
    expect(km.stderr()).toBe('');
  });

  test('has one after .auth_cache was removed', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const { tokenAfter } = following(env);
    const first = await tokenAfter('');
    rmSync(join(env['HOME'] ?? '', '.config/kilometers/.auth_cache'));
    expect(await isValid(api.url, await tokenAfter(first))).toBe(true);
  });

  test('says once after a logout that there is none, and has that of the next login, with another key', async () => {
    const api = await startApi({ apiKeys: [API_KEY, 'km_live_other'] });
    const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
    const logIn = async (key: string): Promise<void> => {
      expect(await runKm(['auth', 'login', '--api-key-stdin'], { env, input: key })).toMatchObject({
        code: 0,
      });
    };
    await logIn(API_KEY);
    const { km, tokenAfter } = following(env);
    const first = await tokenAfter('');
    expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
    const said = 'km: no newer token: nobody is logged in; run `km auth login`\n';
    await until('the logout is told', () => km.stderr() === said);
    await logIn('km_live_other');
    const second = await tokenAfter(first);
    expect(await isValid(api.url, second)).toBe(true);
    await logIn(API_KEY);
    expect(await isValid(api.url, await tokenAfter(second))).toBe(true);
    expect(km.stderr()).toBe(said);
  });

  test('leaves alone what is there and is no token, and takes over what a killed km left', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const folder = temporaryFolder();
    const path = (name: string): string => join(folder, name);
    writeFileSync(path('notes'), 'two words', { mode: 0o600 });
    writeFileSync(path('shared'), 'word', { mode: 0o600 });
    chmodSync(path('shared'), 0o644);
    symlinkSync(path('notes'), path('link'));
    mkdirSync(path('folder'));
    writeFileSync(path('api-key'), 'km_live_0123456789', { mode: 0o600 });
    for (const name of ['notes', 'api-key', 'shared', 'link', 'folder', 'nowhere/token']) {
      const run = await runKm(executing('console.log("ran")', '--token-file', path(name)), { env });
      expect(run, name).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toMatch(/^km: --token-file [^\n]+\n$/);
    }
    expect(readFileSync(path('notes'), 'utf8')).toBe('two words');
    expect(readFileSync(path('api-key'), 'utf8')).toBe('km_live_0123456789');

    // The command outlives a km that is killed; it ends with its input.
    const km = startKm(['auth', 'exec', '--token-file', path('left'), '--', 'cat'], env);
    await until('the file', () => existsSync(path('left')));
    km.child.kill('SIGKILL');
    km.child.stdin.end();
    await km.ended;
    expect(statSync(path('left')).size).toBeGreaterThan(0);
    const again = await runKm(executing('console.log("ran")', '--token-file', path('left')), { env });
    expect(again).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(readdirSync(folder).filter((name) => name.startsWith('left'))).toEqual([]);
  });
});
