import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentedUser, HAS_REDIS } from '../packages/auth/test/support/redis-server.js';
import { startApi } from './support/api.js';
import { pathWithKm } from './support/command-folder.js';
import { temporaryFolder } from './support/folder.js';
import { accountAt, API_KEY, environment, runKm, start } from './support/km.js';
import { codeBlocks } from './support/markdown.js';
import { startFleet, type Fleet } from './support/redis.js';
import { flawsBySchema } from './support/schema.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
const LOGIN = ['auth', 'login', '--api-key-stdin'];

/** The environment of another machine of the fleet: nothing is on its disk. */
function machineOf(fleet: Fleet, variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  return environment({ KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key, ...variables });
}

/** An API, and what it was asked for. */
async function startCounted() {
  const requests: string[] = [];
  const api = await startApi({
    onEvent: (event) => event.type === 'request' && requests.push(event.path),
  });
  return { api, tokenRequests: () => requests.filter((path) => path === '/api/auth/token').length };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** Says on stderr, at its end, which of our own files the program has loaded. */
function tellingLoads(): string {
  const hook = join(temporaryFolder(), 'hook.cjs');
  writeFileSync(
    hook,
    `const fs = require('node:fs');
    const { readFileSync } = fs;
    const read = [];
    fs.readFileSync = (path, ...options) => {
      if (String(path).endsWith('.cjs')) read.push(path);
      return readFileSync(path, ...options);
    };
    process.on('exit', () => process.stderr.write('loaded: ' + read.join(' ') + '\\n'));`,
  );
  return `--require ${hook}`;
}

describe.skipIf(!HAS_REDIS)('km with KM_CACHE_URL', () => {
  test('a login on one machine serves all of them, with one token request, until it is logged out on any', async () => {
    const [fleet, { api, tokenRequests }] = [await startFleet(), await startCounted()];
    const first = machineOf(fleet);
    const login = await runKm([...LOGIN, '--endpoint', api.url], { env: first, input: API_KEY });
    expect(login).toMatchObject({ code: 0 });
    const tokens = await Promise.all([1, 2, 3, 4].map(() => runKm(TOKEN, { env: machineOf(fleet) })));
    expect(tokens.map(({ stderr }) => stderr)).toEqual(['', '', '', '']);
    expect(new Set(tokens.map(({ stdout }) => stdout)).size).toBe(1);
    expect(tokenRequests()).toBe(1);

    expect(await runKm(['auth', 'logout'], { env: machineOf(fleet) })).toMatchObject({ code: 0 });
    expect(await runKm(TOKEN, { env: first })).toMatchObject({ code: 4, stdout: '' });
    expect(await fleet.raw.hlen('km:logins')).toBe(0);
  });

  test('an API key in the environment of many runners makes one token request', async () => {
    const [fleet, { api, tokenRequests }] = [await startFleet(), await startCounted()];
    const env = (): Record<string, string> =>
      accountAt(api.url, { KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key, KM_REQUEST_TIMEOUT: '60s' });
    const runs = await Promise.all(Array.from({ length: 12 }, () => runKm(TOKEN, { env: env() })));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      runs.map(() => ({ code: 0, stderr: '' })),
    );
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
    expect(tokenRequests()).toBe(1);
  });

  test('status and doctor say where tokens are and where the key comes from, and print no password', async () => {
    const [fleet, { api }] = [await startFleet({ password: 'the-password' }), await startCounted()];
    const url = fleet.url.replace('//', '//:the-password@');
    const env = accountAt(api.url, { KM_CACHE_URL: url, KM_CACHE_KEY: fleet.key });
    const status = await runKm(['auth', 'status', '--json'], { env });
    expect(flawsBySchema('auth-status', status.stdout)).toEqual([]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      cache: { kind: 'redis', keySource: 'environment', address: `${fleet.url}/0` },
    });
    const lines = await runKm(['auth', 'status'], { env });
    expect(lines.stdout).toContain('cache: redis, its key from KM_CACHE_KEY');
    const doctor = await runKm(['doctor'], { env });
    expect(doctor).toMatchObject({ code: 0 });
    expect(oneLine(doctor.stdout)).toContain(`cache: ${fleet.url}/0 opens`);
    expect(doctor.stdout).toContain('key: from KM_CACHE_KEY');
    for (const { stdout, stderr } of [status, lines, doctor]) {
      expect(stdout + stderr).not.toContain('the-password');
      expect(stdout + stderr).not.toContain(fleet.key);
    }
  });

  test('doctor warns of a Redis that may throw a login away, with what to do', async () => {
    const [fleet, { api }] = [await startFleet(), await startCounted()];
    await fleet.raw.call('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', 'volatile-ttl');
    const env = accountAt(api.url, { KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key });
    const { code, stdout } = await runKm(['doctor'], { env });
    expect(code).toBe(0);
    expect(oneLine(stdout)).toMatch(
      /warning cache: when its memory is full.*is volatile-ttl.*set the maxmemory-policy of Redis to noeviction/,
    );
    await fleet.raw.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expect((await runKm(['doctor'], { env })).stdout).not.toContain('maxmemory');
  });

  test('a command that is run with a token gets neither the key nor the address', async () => {
    const [fleet, { api }] = [await startFleet(), await startCounted()];
    const env = accountAt(api.url, { KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key });
    const script =
      'process.stdout.write(Object.keys(process.env).filter((n) => /^KM_/.test(n)).sort().join())';
    const { stdout } = await runKm(['auth', 'exec', '--', process.execPath, '-e', script], { env });
    expect(stdout).toBe('KM_TOKEN');
  });

  test('when Redis is down a stored login fails with what to do, an API key goes on, and nothing hangs', async () => {
    const [fleet, { api }] = [await startFleet({ password: 'the-password' }), await startCounted()];
    const ended = once(fleet.server, 'exit');
    fleet.server.kill('SIGKILL');
    await ended;
    const url = fleet.url.replace('//', '//:the-password@');
    const shared = { KM_CACHE_URL: url, KM_CACHE_KEY: fleet.key };
    const beganAtMs = performance.now();
    const stored = await runKm(TOKEN, { env: environment({ ...shared, KILOMETERS_API_ENDPOINT: api.url }) });
    expect(stored).toMatchObject({ code: 1, stdout: '' });
    expect(stored.stderr).toContain('ECONNREFUSED');
    const keyed = await runKm(TOKEN, { env: accountAt(api.url, shared) });
    expect(keyed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+\n$/) as string });
    expect(keyed.stderr).toMatch(/tokens stay in memory: the cache in Redis at redis:.*check that it runs/);
    const doctor = await runKm(['doctor'], { env: accountAt(api.url, shared) });
    expect(doctor.code).toBe(1);
    expect(oneLine(doctor.stdout)).toMatch(/failed cache: the cache in Redis at \S+ cannot be used/);
    for (const { stdout, stderr } of [stored, keyed, doctor])
      expect(stdout + stderr).not.toContain('the-password');
    expect(performance.now() - beganAtMs).toBeLessThan(40_000);
  });

  test('the commands in docs/fleet.md work, one after the other, as the user in it and in another database', async () => {
    const [fleet, { api }] = [await startFleet(), await startCounted()];
    await fleet.raw.call('ACL', 'SETUSER', 'km', ...documentedUser());
    const home = temporaryFolder();
    writeFileSync(join(home, 'api-key.txt'), `${API_KEY}\n`);
    writeFileSync(join(home, 'my-program'), '#!/bin/sh\ntest -n "$KM_TOKEN"\n', { mode: 0o755 });
    const said = codeBlocks('docs/fleet.md', 'sh').map(({ text }) => text);
    const url = `${fleet.url.replace('//', '//km:pass@')}/2`;
    const script = said.join('\n').replaceAll('redis://redis.example:6379/0', url);
    const account = { KILOMETERS_API_ENDPOINT: api.url, HOME: home, PATH: `${home}:${pathWithKm()}` };
    const shell = start('sh', ['-exc', `cd "$HOME"\n${script}`], environment(account));
    shell.child.stdin.end();
    expect(await shell.ended, shell.stderr()).toEqual({ code: 0, signal: null });
    expect(shell.stdout().toString()).toContain('cache: redis');
    await fleet.raw.select(2);
    expect(await fleet.raw.hlen('km:logins')).toBe(1);
  });

  test('with it the client of Redis is loaded, and without it nothing of that', async () => {
    const [fleet, { api }] = [await startFleet(), await startCounted()];
    const shared = { KM_CACHE_URL: fleet.url, KM_CACHE_KEY: fleet.key };
    const loads = async (variables: Readonly<Record<string, string>>): Promise<string> =>
      (await runKm(TOKEN, { env: accountAt(api.url, { NODE_OPTIONS: tellingLoads(), ...variables }) }))
        .stderr;
    expect(await loads(shared)).toMatch(/loaded: .*redis-storage\.cjs/);
    const without = await loads({ KM_CACHE_KEY: fleet.key });
    expect(without).toMatch(/loaded: .*auth-token\.cjs/);
    expect(without).not.toContain('redis');
  });
});

test.each([
  ['missing', ''],
  ['too short', randomBytes(16).toString('base64')],
])('a key that is %s ends a command with exit code 2 and the command that makes one', async (_, key) => {
  const env = environment({ KM_CACHE_URL: 'redis://:the-password@127.0.0.1:1', KM_CACHE_KEY: key });
  for (const command of [TOKEN, ['auth', 'status'], ['auth', 'login', '--api-key-stdin']]) {
    const { code, stdout, stderr } = await runKm(command, { env, input: API_KEY });
    expect({ command, code, stdout }).toEqual({ command, code: 2, stdout: '' });
    expect(stderr).toMatch(/KM_CACHE_KEY.*openssl rand -base64 32/);
    expect(stderr).not.toContain('the-password');
  }
});

test('a key that is wrong is what km doctor finds, with the command that makes one, besides all else', async () => {
  const { api } = await startCounted();
  const env = accountAt(api.url, { KM_CACHE_URL: 'redis://127.0.0.1:1', KM_CACHE_KEY: 'no-key' });
  const { code, stdout, stderr } = await runKm(['doctor', '--json'], { env });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(flawsBySchema('doctor', stdout)).toEqual([]);
  const { checks } = JSON.parse(stdout) as {
    readonly checks: readonly { readonly name: string; readonly state: string; readonly detail: string }[];
  };
  const failed = checks.filter(({ state }) => state === 'failed');
  expect(failed).toMatchObject([{ name: 'cache' }]);
  expect(failed[0]?.detail).toMatch(/KM_CACHE_KEY.*openssl rand -base64 32/);
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['config', 'settings', 'endpoint', 'permissions']),
  );
});

test('an address that is none ends a command with exit code 2, and is not repeated', async () => {
  const env = environment({ KM_CACHE_URL: 'https://:the-password@cache.example', KM_CACHE_KEY: 'x' });
  const { code, stderr } = await runKm(TOKEN, { env });
  expect(code).toBe(2);
  expect(stderr).toContain('redis://HOST:6379/0');
  expect(stderr).not.toContain('the-password');
});
