import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, accountAt, environment, KM, runKm, start, startKm } from './support/km.js';
import { flawsBySchema } from './support/schema.js';
import { CTRL_C, startOnTerminal } from './support/terminal.js';
import { until } from './support/until.js';

const STATUS = ['auth', 'status'];

/** Someone with a login at an API of their own. */
async function loggedIn(profile = 'default') {
  const api = await startApi();
  const env = environment();
  const login = ['auth', 'login', '--api-key-stdin', '--endpoint', api.url, '--profile', profile];
  await runKm(login, { env, input: API_KEY });
  return { api, env };
}

describe('km auth status', () => {
  test('after a login says that it goes on without a human, and where everything came from', async () => {
    const { api, env } = await loggedIn();
    const { code, stdout, stderr } = await runKm([...STATUS, '--json'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(flawsBySchema('auth-status', stdout)).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({
      active: 'default',
      activeFrom: 'default',
      profiles: [
        {
          profile: 'default',
          isActive: true,
          endpoint: api.url,
          endpointFrom: 'config',
          credential: 'api_key',
          credentialFrom: 'login',
          refreshesWithoutHuman: true,
          refreshesUntil: null,
          outlook: { answer: 'yes', remedy: null },
          scopes: [{ scope: 'monitoring', state: 'fresh' }],
          lastFailure: null,
          note: null,
        },
      ],
      cache: {
        kind: 'file',
        keySource: 'file',
        folder: join(env['HOME'] ?? '', '.config', 'kilometers'),
        folderFrom: null,
      },
    });
  });

  test('for people: lines of at most 80 columns, and no secret', async () => {
    const api = await startApi();
    const env = accountAt(api.url);
    const token = await runKm(['auth', 'token'], { env });
    const { code, stdout, stderr } = await runKm(STATUS, { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('tomorrow without you: yes, the API key wins new tokens');
    expect(stdout).toContain('login: API key, from the environment');
    expect(stdout).toMatch(/default: fresh, valid for \d+ [ms], until .*; next refresh in \d+/);
    expect(stdout).not.toContain(API_KEY);
    expect(stdout).not.toContain(token.stdout.trim());
    expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes('/'))).toEqual([]);
  });

  test('tells of all profiles, and with --profile of one', async () => {
    const { env } = await loggedIn('work');
    const all = await runKm([...STATUS, '--json'], { env });
    expect(all.code).toBe(4);
    expect(JSON.parse(all.stdout)).toMatchObject({
      active: 'default',
      profiles: [
        { profile: 'default', isActive: true, credential: null },
        { profile: 'work', isActive: false, credential: 'api_key' },
      ],
    });
    const one = await runKm([...STATUS, '--json', '--profile', 'work'], { env });
    expect(one.code).toBe(0);
    const { profiles } = JSON.parse(one.stdout) as { profiles: readonly { profile: string }[] };
    expect(profiles.map(({ profile }) => profile)).toEqual(['work']);
  });

  test('says of a setting whether the environment, the profile or the default has it', async () => {
    const { env } = await loggedIn();
    const { stdout } = await runKm([...STATUS, '--json'], { env: { ...env, KM_REFRESH_AHEAD: '7m' } });
    expect(JSON.parse(stdout)).toMatchObject({
      profiles: [
        {
          settings: {
            refreshAheadMs: { value: 420_000, from: 'environment' },
            maxRetries: { value: 3, from: 'default' },
          },
        },
      ],
    });
  });

  test('when nobody is logged in exits with 4, still answers, and says what to do', async () => {
    const { code, stdout, stderr } = await runKm([...STATUS, '--json']);
    expect(code).toBe(4);
    expect(flawsBySchema('auth-status', stdout)).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({
      profiles: [{ credential: null, refreshesWithoutHuman: false, scopes: [], outlook: { answer: 'no' } }],
    });
    expect(stderr).toBe('km: profile default: nobody is logged in; run km auth login\n');
  });

  test('when the API refused the key says no, and why', async () => {
    const api = await startApi();
    const env = accountAt(api.url, { KILOMETERS_API_KEY: 'km_live_unknown' });
    const token = await runKm(['auth', 'token'], { env });
    const { code, stdout } = await runKm([...STATUS, '--json'], { env });
    expect(code).toBe(token.code);
    expect(flawsBySchema('auth-status', stdout)).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({
      profiles: [{ refreshesWithoutHuman: false, outlook: { answer: 'no' }, lastFailure: {} }],
    });
  });

  test('when the API is away says that nobody can promise it', async () => {
    const api = await startApi();
    await api.close();
    const env = accountAt(api.url, { KM_MAX_RETRIES: '0' });
    await runKm(['auth', 'token'], { env });
    const { code, stdout } = await runKm(STATUS, { env });
    expect(code).toBe(0);
    expect(stdout).toContain('tomorrow without you: unsure, the last refresh failed');
    expect(stdout).toMatch(/last failure: .* ago, KM_AUTH_UNREACHABLE/);
  });

  test('says that tokens stay in memory', async () => {
    const env = environment({ KILOMETERS_API_KEY: API_KEY, KM_NO_TOKEN_CACHE: '1' });
    const { stdout } = await runKm([...STATUS, '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ cache: { kind: 'memory', keySource: null } });
  });

  test('says why a stored login is not used', async () => {
    const { api, env } = await loggedIn();
    const { code, stdout } = await runKm([...STATUS, '--endpoint', 'https://else.example'], { env });
    expect(code).toBe(4);
    expect(stdout.replace(/\s+/g, ' ')).toContain(`is logged in to ${api.url}`);
  });
});

describe('km auth status --watch', () => {
  test('shows on a terminal what changes, and Ctrl-C leaves the terminal as it was', async () => {
    const { env } = await loggedIn();
    const terminal = startOnTerminal([...STATUS, '--watch'], { env, columns: 40 });
    await terminal.shows('monitoring: fresh');
    await runKm(['auth', 'token', '--scope', 'plugins'], { env });
    await terminal.shows('plugins: fresh');
    await runKm(['auth', 'logout'], { env });
    await terminal.shows('nobody is logged in');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toEqual({ code: 0, signal: null });
    const [view = '', after = ''] = terminal.raw().split('\u001b[?1049l');
    expect(view).toContain('\u001b[?1049h');
    expect(after).toMatch(/^profile [\s\S]*nobody is logged in/);
  });

  test('prints a line of JSON for each change, to whoever reads', async () => {
    const { env } = await loggedIn();
    const km = startKm([...STATUS, '--watch', '--json'], env);
    const lines = (): string[] => km.stdout().toString().split('\n').slice(0, -1);
    await until('it says how it is', () => lines().length > 0);
    rmSync(join(env['HOME'] ?? '', '.config', 'kilometers', '.credentials'));
    await until('it says that the login is gone', () => lines().length > 1);
    km.child.kill('SIGTERM');
    expect(await km.ended).toEqual({ code: 0, signal: null });
    for (const line of lines()) expect(flawsBySchema('auth-status', line)).toEqual([]);
    expect(JSON.parse(lines()[1] ?? '')).toMatchObject({ profiles: [{ credential: null }] });
  });

  test('says on stderr, once, that it cannot look, and goes on', async () => {
    const { env } = await loggedIn();
    const folder = join(env['HOME'] ?? '', '.config', 'kilometers');
    const config = join(folder, 'config.json');
    const before = readFileSync(config, 'utf8');
    const replaceBy = (text: string): void => {
      writeFileSync(`${config}.next`, text);
      renameSync(`${config}.next`, config);
    };
    const km = startKm([...STATUS, '--watch', '--json'], env);
    const lines = (): string[] => km.stdout().toString().split('\n').slice(0, -1);
    await until('it says how it is', () => lines().length > 0);
    replaceBy('{ "profiles"');
    await until('it says that it cannot look', () => km.stderr().includes('config.json'));
    replaceBy('{');
    await until('it says why now', () => km.stderr().split('\n').length > 2);
    replaceBy(before);
    rmSync(join(folder, '.credentials'));
    await until('it says that the login is gone', () => lines().length > 1);
    km.child.kill('SIGTERM');
    expect(await km.ended).toEqual({ code: 0, signal: null });
    for (const line of lines()) expect(flawsBySchema('auth-status', line)).toEqual([]);
    expect(km.stderr()).toMatch(
      /^km: \/[^\n]+config\.json:1:13: [^\n]+\nkm: \/[^\n]+config\.json:1:2: [^\n]+\n$/,
    );
  });

  test('ends when its reader is gone: of a pipe with the next change, of a socket without one', async () => {
    const { env } = await loggedIn();
    const socket = startKm([...STATUS, '--watch', '--json'], env);
    await until('it says how it is', () => socket.stdout().includes('\n'));
    socket.child.stdout.destroy();
    expect(await socket.ended).toEqual({ code: 0, signal: null });

    const watch = `exec 3>&1; { "$0" "$@"; echo "ended with $?" >&3; } | { read -r line; exec <&-; echo closed >&3; }`;
    const pipe = start('sh', ['-c', watch, process.execPath, KM, ...STATUS, '--watch', '--json'], env);
    await until('the first line was read', () => pipe.stdout().includes('closed'));
    rmSync(join(env['HOME'] ?? '', '.config', 'kilometers', '.credentials'));
    await pipe.ended;
    expect(pipe.stdout().toString()).toBe('closed\nended with 0\n');
    expect(pipe.stderr() + socket.stderr()).toBe('');
  });

  test('without a terminal says that it needs one', async () => {
    const { code, stdout, stderr } = await runKm([...STATUS, '--watch']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^km: --watch needs a terminal; with --json [^\n]+\n$/);
  });
});

test.each([
  ['is none', 'nowhere', 2],
  ['would show tokens', 'http://api.example', 1],
  ['has a password in it', 'http://user:hunter2@127.0.0.1:1', 2],
])('an endpoint that %s is said, and not that all is well', async (_, KILOMETERS_API_ENDPOINT, exitCode) => {
  const env = environment({ KILOMETERS_API_ENDPOINT, KILOMETERS_API_KEY: API_KEY });
  for (const args of [
    ['auth', 'status'],
    ['auth', 'status', '--json'],
    ['auth', 'profiles'],
  ]) {
    const { code, stdout, stderr } = await runKm(args, { env });
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(/^km: the API endpoint [^\n]+\n$/);
    expect(stderr).not.toContain('hunter2');
  }
  const doctor = await runKm(['doctor', '--json'], { env });
  expect(doctor.stdout + doctor.stderr).not.toContain('hunter2');
});
