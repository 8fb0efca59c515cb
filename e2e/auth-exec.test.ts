import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, accountAt, environment, runKm, startKm } from './support/km.js';
import { can } from './support/login-system.js';
import { CTRL_C, CTRL_Z, startShellOnTerminal } from './support/shell-on-terminal.js';
import { until } from './support/until.js';
import { isValid } from './support/validate.js';

/** Arguments that run `script`, JavaScript text, with a token. */
function executing(script: string, ...options: readonly string[]): string[] {
  return ['auth', 'exec', ...options, '--', process.execPath, '-e', script];
}

const SAY_ENVIRONMENT = 'console.log(JSON.stringify(process.env))';

describe('km auth exec', () => {
  test('runs a command with a token that the API takes, and without what km logs in with', async () => {
    const api = await startApi();
    const env = accountAt(api.url, { KM_CACHE_KEY: 'x', OTHER: 'stays' });
    const { code, stdout, stderr } = await runKm(executing(SAY_ENVIRONMENT, '--scope', 'monitoring'), {
      env,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const seen = JSON.parse(stdout) as Record<string, string>;
    expect(await isValid(api.url, seen['KM_TOKEN'] ?? '')).toBe(true);
    expect(seen).toMatchObject({ OTHER: 'stays', KILOMETERS_API_ENDPOINT: api.url });
    expect(stdout).not.toContain(API_KEY);
    expect(Object.keys(seen)).not.toContain('KM_CACHE_KEY');
  });

  test('uses the variable that is named, and passes its own credentials where asked to', async () => {
    const api = await startApi();
    const args = executing(SAY_ENVIRONMENT, '--env', 'MY_TOKEN', '--pass-credentials');
    const seen = JSON.parse((await runKm(args, { env: accountAt(api.url) })).stdout) as Record<
      string,
      string
    >;
    expect(await isValid(api.url, seen['MY_TOKEN'] ?? '')).toBe(true);
    expect(seen['KM_TOKEN']).toBeUndefined();
    expect(seen['KILOMETERS_API_KEY']).toBe(API_KEY);
  });

  test('gives the command its streams and its arguments as they are', async () => {
    const api = await startApi();
    const input = Buffer.from([0, 1, 255, 10, 13]);
    const cat = await runKm(['auth', 'exec', '--', 'cat'], { env: accountAt(api.url), input });
    expect(cat.bytes).toEqual(input);
    const args = ['auth', 'exec', '--', 'printf', '%s|', '--help', '', 'a b', '$HOME', '--', '--scope'];
    expect((await runKm(args, { env: accountAt(api.url) })).stdout).toBe('--help||a b|$HOME|--|--scope|');
  });

  test('ends as the command does', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    expect(await runKm(executing('process.exit(37)'), { env })).toMatchObject({ code: 37, stderr: '' });
    const killed = await runKm(executing("process.kill(process.pid, 'SIGKILL')"), { env });
    expect(killed).toMatchObject({ code: 137, stderr: '' });
  });

  test('says as a shell does that a command is not there, or cannot be executed', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const missing = await runKm(['auth', 'exec', '--', 'there-is-no-such-command'], { env });
    expect(missing.code).toBe(127);
    expect(missing.stderr).toMatch(/^km: "there-is-no-such-command" was not found; [^\n]+\n$/);
    const file = join(temporaryFolder(), 'data');
    writeFileSync(file, 'no program', { mode: 0o644 });
    const data = await runKm(['auth', 'exec', '--', file], { env });
    expect(data.code).toBe(126);
    expect(data.stderr).toMatch(/^km: [^\n]+ may not be executed; [^\n]+\n$/);
  });

  test('without a login runs nothing', async () => {
    const run = await runKm(executing('console.log("ran")'));
    expect(run).toMatchObject({ code: 4, stdout: '' });
  });

  test('says what is wrong with its flags', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const wrong = [
      ['auth', 'exec'],
      executing('0', '--env', 'MY-TOKEN'),
      executing('0', '--refresh-signal', 'NONE'),
      executing('0', '--refresh-signal', 'KILL'),
    ];
    for (const args of wrong) expect(await runKm(args, { env })).toMatchObject({ code: 2, stdout: '' });
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'passes %s on, once',
    async (signal) => {
      const api = await startApi();
      const script = `
        let count = 0;
        process.on('${signal}', () => { count += 1; setImmediate(() => setTimeout(() => { console.log(count); process.exit(7); }, 50)); });
        console.log('ready');
        setInterval(() => {}, 1000);`;
      const km = startKm(executing(script), accountAt(api.url));
      await until('the command runs', () => km.stdout().includes('ready'));
      km.child.kill(signal);
      expect(await km.ended).toEqual({ code: 7, signal: null });
      expect(km.stdout().toString()).toBe('ready\n1\n');
    },
  );
});

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
    const api = await startApi({ tokenTtlMs: 2_000 });
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

  test('sends a signal for each newer token', async () => {
    const api = await startApi({ tokenTtlMs: 2_000 });
    const file = join(temporaryFolder(), 'token');
    const script = `
      const { readFileSync } = require('node:fs');
      const seen = [readFileSync('${file}', 'utf8')];
      process.on('SIGUSR1', () => {
        seen.push(readFileSync('${file}', 'utf8'));
        if (seen.length === 3) { console.log(new Set(seen).size); process.exit(0); }
      });
      setInterval(() => {}, 1000);`;
    const run = await runKm(executing(script, '--token-file', file, '--refresh-signal', 'usr1'), {
      env: accountAt(api.url, { KM_CHECK_INTERVAL: '200ms' }),
    });
    expect(run).toMatchObject({ code: 0, stdout: '3\n', stderr: '' });
  });

  test('goes on through an outage, says so once, and has a newer token after it', async () => {
    const api = await startApi({ tokenTtlMs: 2_000 });
    const file = join(temporaryFolder(), 'token');
    const env = accountAt(api.url, {
      KM_CHECK_INTERVAL: '100ms',
      KM_MAX_RETRIES: '0',
      KM_RETRY_INTERVAL: '100ms',
    });
    const km = startKm(executing('setInterval(() => {}, 1000)', '--token-file', file), env);
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
    for (const name of ['notes', 'shared', 'link', 'folder', 'nowhere/token']) {
      const run = await runKm(executing('console.log("ran")', '--token-file', path(name)), { env });
      expect(run, name).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toMatch(/^km: --token-file [^\n]+\n$/);
    }
    expect(readFileSync(path('notes'), 'utf8')).toBe('two words');

    // The command outlives a km that is killed; it ends with its input.
    const km = startKm(['auth', 'exec', '--token-file', path('left'), '--', 'cat'], env);
    await until('the file', () => existsSync(path('left')));
    km.child.kill('SIGKILL');
    km.child.stdin.end();
    await km.ended;
    expect(statSync(path('left')).size).toBeGreaterThan(0);
    const again = await runKm(executing('console.log("ran")', '--token-file', path('left')), { env });
    expect(again).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(existsSync(path('left'))).toBe(false);
  });
});

describe.skipIf(!can('km auth exec on a terminal', 'script', '--version'))('on a terminal', () => {
  const COUNT = `
    let count = 0;
    process.on('SIGINT', () => { count += 1; setTimeout(() => { console.log('count ' + count); process.exit(5); }, 50); });
    console.log('ready ' + process.stdin.isTTY + ' ' + process.stdout.isTTY);
    setInterval(() => {}, 1000);`;

  test('the command has the terminal, and gets Ctrl-C once', async () => {
    const api = await startApi();
    const script = join(temporaryFolder(), 'count.js');
    writeFileSync(script, COUNT);
    const terminal = startShellOnTerminal(
      `exec km auth exec -- '${process.execPath}' '${script}'`,
      accountAt(api.url),
    );
    await terminal.shows('ready true true');
    terminal.type(CTRL_C);
    await terminal.shows(/count \d/);
    expect(terminal.screen()).toContain('count 1');
    expect(await terminal.ended).toMatchObject({ code: 5 });
  });

  test('the command is stopped and continued with Ctrl-Z and fg', async () => {
    const api = await startApi();
    const env = environment({ ...accountAt(api.url), PS1: '> ', BASH_SILENCE_DEPRECATION_WARNING: '1' });
    const terminal = startShellOnTerminal('bash --norc --noprofile -i', env);
    await terminal.shows('> ');
    terminal.type(`km auth exec -- sh -c 'echo be''gun; read line; echo "read $line"'\n`);
    await terminal.shows('begun');
    terminal.type(CTRL_Z);
    await terminal.shows('Stopped');
    terminal.type('fg\n');
    await terminal.shows(/fg[^]*km auth exec/);
    terminal.type('hello\n');
    await terminal.shows('read hello');
    terminal.type('exit 0\n');
    expect(await terminal.ended).toMatchObject({ code: 0 });
  });
});
