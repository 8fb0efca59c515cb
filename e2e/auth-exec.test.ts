import { writeFileSync } from 'node:fs';
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
