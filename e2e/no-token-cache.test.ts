import { describe, expect, test } from 'vitest';
import { byDevice, user } from './support/device-user.js';
import { API_KEY, monitoring, runKm, startKm } from './support/km.js';
import { until } from './support/until.js';

const KEPT_FROM = 'KM_NO_TOKEN_CACHE=1 keeps km from using this login';
const WAY_OUT = 'unset it, or set KILOMETERS_API_KEY';

/** Somebody whose login by device is stored, and a shell in which tokens stay in memory. */
async function inMemory() {
  const { api, env } = await user();
  await byDevice({ api, env });
  return { api, env, off: { ...env, KM_NO_TOKEN_CACHE: '1' } };
}

test('a login by device that is stored is not used, and what says so names what helps', async () => {
  const { off } = await inMemory();
  for (const words of [
    'auth token',
    'auth refresh',
    'auth refresh --all',
    'auth exec -- true',
    'plugins list',
  ]) {
    const { code, stdout, stderr } = await runKm(words.split(' '), { env: off });
    expect({ words, code, stdout }).toEqual({ words, code: 1, stdout: '' });
    expect(stderr).toBe(`km: ${KEPT_FROM}: ${WAY_OUT}\n`);
  }
  const status = await runKm(['auth', 'status'], { env: off });
  expect(status.code).toBe(1);
  expect(status.stdout.replace(/\s+/g, ' ')).toContain(`without you: no, ${KEPT_FROM}; ${WAY_OUT}`);
  expect(status.stdout).toContain('login: refresh token, from the login');
  expect(status.stderr).toBe(`km: profile default: ${KEPT_FROM}; ${WAY_OUT}\n`);
  const doctor = await runKm(['doctor', '--json'], { env: off });
  const { checks } = JSON.parse(doctor.stdout) as { checks: readonly { name: string }[] };
  expect(checks.find(({ name }) => name === 'login')).toMatchObject({
    state: 'failed',
    detail: `profile default: ${KEPT_FROM}`,
    remedy: WAY_OUT,
  });
  const revoke = await runKm(['auth', 'revoke'], { env: off });
  expect(revoke).toMatchObject({ code: 1, stdout: '' });
  expect(revoke.stderr).toMatch(
    /^km: KM_NO_TOKEN_CACHE=1 keeps km from the tokens that are stored: unset it/,
  );
});

test('what helps does: without the variable, and with a key in the environment', async () => {
  const { env, off } = await inMemory();
  expect(await runKm(['auth', 'token'], { env: { ...off, KM_NO_TOKEN_CACHE: '' } })).toMatchObject({
    code: 0,
  });
  const withKey = { ...off, KILOMETERS_API_KEY: API_KEY };
  expect(await runKm(['auth', 'token'], { env: withKey })).toMatchObject({ code: 0, stderr: '' });
  expect(await runKm(['auth', 'revoke'], { env })).toMatchObject({ code: 0 });
});

test('a monitor says why nothing is delivered, and keeps it', async () => {
  const { off } = await inMemory();
  const km = startKm(monitoring('process.stdin.pipe(process.stdout)'), off);
  km.child.stdin.write('{"jsonrpc":"2.0","method":"note"}\n');
  await until('it says why', () => km.stderr().includes(KEPT_FROM));
  expect(km.stderr()).not.toContain('auth login');
  km.child.stdin.end();
  expect(await km.ended).toMatchObject({ code: 0 });
  const flush = await runKm(['queue', 'flush'], { env: off });
  expect(flush.code).toBe(1);
  expect(flush.stderr).toContain(`2 events in the queue, because ${KEPT_FROM}: ${WAY_OUT}`);
});

describe('a credential helper', () => {
  const GIT = ['auth', 'token', '--format', 'git'];
  const DOCKER = ['auth', 'token', '--format', 'docker'];
  const gitRequest = (server: string): string => {
    const { protocol, host } = new URL(server);
    return `protocol=${protocol.replace(':', '')}\nhost=${host}\n\n`;
  };

  test('has nothing for servers of others, and does what takes no token, all the same', async () => {
    const { api, off } = await inMemory();
    const foreign = await runKm([...DOCKER, 'get'], { env: off, input: 'https://index.docker.io/v1/' });
    expect(foreign).toMatchObject({ code: 1, stderr: '' });
    expect(foreign.stdout).toBe('credentials not found in native keychain\n');
    expect(await runKm([...DOCKER, 'list'], { env: off })).toMatchObject({
      code: 0,
      stdout: `{"${api.url}":"oauth2"}\n`,
    });
    for (const [action, server] of [
      ['get', 'https://github.com'],
      ['store', api.url],
      ['erase', api.url],
      ['of-tomorrow', api.url],
    ] as const) {
      const run = await runKm([...GIT, action], { env: off, input: gitRequest(server) });
      expect({ action, ...run }).toMatchObject({ action, code: 0, stdout: '', stderr: '' });
    }
  });

  test('says for the server of the login what keeps it from that, where git and docker look for it', async () => {
    const { api, off } = await inMemory();
    const git = await runKm([...GIT, 'get'], { env: off, input: gitRequest(api.url) });
    expect(git).toMatchObject({ code: 1, stdout: '', stderr: `km: ${KEPT_FROM}: ${WAY_OUT}\n` });
    const docker = await runKm([...DOCKER, 'get'], { env: off, input: api.url });
    expect(docker).toMatchObject({ code: 1, stderr: `km: ${KEPT_FROM}: ${WAY_OUT}\n` });
    expect(docker.stdout).toBe(`km: ${KEPT_FROM}: ${WAY_OUT}\n`);
  });
});
