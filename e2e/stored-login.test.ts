import { fileURLToPath } from 'node:url';
import type { ApiEvent } from '@kilometers/local-api';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { byDevice } from './support/device-user.js';
import { API_KEY, environment, runKm, start } from './support/km.js';
import { CLI, ODD_SECRET, service } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';

const CHILD = fileURLToPath(new URL('./support/stored-login-child.mjs', import.meta.url));
const CLIENT = { clientId: 'robot', clientSecret: 'robot-secret' };

type Said = {
  readonly atHand?: string;
  readonly refreshed?: string;
  readonly code?: string;
  readonly message?: string;
};

/** Runs the program to its end, in the environment of who logged in. */
async function runProgram(env: Record<string, string>, variables: Record<string, string> = {}) {
  const run = start(process.execPath, [CHILD], { ...env, ...variables });
  run.child.stdin.end();
  expect(await run.ended, run.stderr()).toEqual({ code: 0, signal: null });
  return JSON.parse(run.stdout().toString()) as Said;
}

async function tokenOfKm(env: Record<string, string>, scope: string): Promise<string> {
  const token = await runKm(['auth', 'token', '--scope', scope], { env });
  expect(token).toMatchObject({ code: 0, stderr: '' });
  return token.stdout.trim();
}

/** Whether the program has the token of `km`, refreshes it, and `km` has the new one. */
async function expectShared(env: Record<string, string>, scope: string): Promise<void> {
  const before = await tokenOfKm(env, scope);
  const said = await runProgram(env, { PROGRAM_SCOPE: scope });
  expect(said).toMatchObject({ atHand: before });
  expect(said.refreshed).not.toBe(before);
  expect(await tokenOfKm(env, scope)).toBe(said.refreshed);
}

/** An API, what happened there, and a user without any variable that says where it is. */
async function apiAndUser() {
  const events: ApiEvent[] = [];
  const api = await startApi({
    clients: [CLIENT],
    deviceIntervalSeconds: 1,
    graceMs: 0,
    onEvent: (event) => events.push(event),
  });
  const count = (type: ApiEvent['type']): number => events.filter((event) => event.type === type).length;
  return { api, env: environment(), count };
}

describe('a program with the library uses the login that km made', () => {
  test.each([
    ['km init --api-key', ['init', '--api-key', API_KEY], ''],
    ['km auth login --api-key-stdin', ['auth', 'login', '--api-key-stdin'], API_KEY],
  ])('after %s', async (_, command, input) => {
    const { api, env, count } = await apiAndUser();
    expect(await runKm([...command, '--endpoint', api.url], { env, input })).toMatchObject({ code: 0 });
    await expectShared(env, 'monitoring');
    expect([count('token.issued'), count('token.refreshed'), count('family.revoked')]).toEqual([1, 1, 0]);
  });

  test('after km auth login --client-id: each token is minted anew', async () => {
    const { api, env, count } = await apiAndUser();
    const login = ['auth', 'login', '--client-id', CLIENT.clientId, '--client-secret-stdin'];
    const run = await runKm([...login, '--endpoint', api.url], { env, input: CLIENT.clientSecret });
    expect(run).toMatchObject({ code: 0 });
    await expectShared(env, 'monitoring');
    expect(count('token.issued')).toBe(2);
  });

  test('after km auth login --device', async () => {
    const { api, env, count } = await apiAndUser();
    expect(await byDevice({ api, env, flags: ['--endpoint', api.url] })).toMatchObject({ code: 0 });
    await expectShared(env, 'monitoring');
    expect([count('token.issued'), count('token.refreshed'), count('family.revoked')]).toEqual([1, 1, 0]);
  });

  test.each([
    ['--web', WEB],
    ['--device', ['--device', ...WEB.slice(1)]],
  ])('after km auth login --issuer %s', async (_, way) => {
    const server = await startOAuthServer({ clients: [CLI] });
    const { env, code, stderr } = await logInByWeb([...at(server), ...way]);
    expect(code, stderr).toBe(0);
    await expectShared(env, 'read');
    const sent = server.seen.flatMap(({ body }) => body.get('refresh_token') ?? []);
    expect(new Set(sent).size).toBe(sent.length);
    expect(server.revoked()).toBe(0);
  });

  test('after km auth login --issuer, of a client with a secret', async () => {
    const server = await startOAuthServer({ clients: [service('client_secret_basic')] });
    const env = environment();
    const login = ['auth', 'login', ...at(server, 'service'), '--client-secret-stdin'];
    expect(await runKm(login, { env, input: ODD_SECRET })).toMatchObject({ code: 0 });
    await expectShared(env, 'default');
  });
});

test('a key goes to no other server than the one it was stored for, and nowhere after a logout', async () => {
  const { api, env } = await apiAndUser();
  const other: ApiEvent[] = [];
  const elsewhere = await startApi({ onEvent: (event) => other.push(event) });
  await runKm(['auth', 'login', '--api-key-stdin', '--endpoint', api.url], { env, input: API_KEY });
  const said = await runProgram(env, { KILOMETERS_API_ENDPOINT: elsewhere.url });
  expect(said).toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(said.message).toContain(`run \`km auth login --endpoint ${elsewhere.url}\``);
  expect(other).toEqual([]);

  expect(await runKm(['auth', 'logout'], { env })).toMatchObject({ code: 0 });
  expect(await runProgram(env)).toEqual({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: 'nobody is logged in; run `km auth login`',
    events: [],
  });
});
