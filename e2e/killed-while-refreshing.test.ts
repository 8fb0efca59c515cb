import { createFileCache } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { age, DUE_MS, OVER_MS } from './support/age.js';
import { deviceApi } from './support/device-api.js';
import { byDevice } from './support/device-user.js';
import { createGate } from './support/gate.js';
import { monitoring, runKm, startKm, type RunningKm } from './support/km.js';
import { configFolderOf, ownerPid } from './support/login-owner.js';
import { ECHO } from './support/scripted-servers.js';
import { until } from './support/until.js';

/** Somebody logged in at an API that takes each refresh token once, and the answer to the next one only comes when it may. */
async function slowRefresh(agedMs: number) {
  const gate = createGate();
  const { api, env, count } = await deviceApi({ graceMs: 0, sleep: () => gate.opened });
  await byDevice({ api, env });
  await age(env, agedMs);
  api.trouble.add({ path: '/api/auth/token', latencyMs: 1 });
  return { api, env, count, answer: gate.open };
}

const SESSION = monitoring(ECHO);
const COMMAND = ['auth', 'exec', '--scope', 'monitoring', '--', process.execPath, '-e', ''];

function kill({ child }: RunningKm): void {
  child.kill('SIGKILL');
}

/** As an MCP client ends a server, without the patience. */
function close(km: RunningKm): void {
  km.child.stdin.end();
  km.child.kill('SIGTERM');
}

test.each([
  ['km monitor is killed while a token that is over', SESSION, OVER_MS, kill],
  ['km monitor is killed while a token that is due', SESSION, DUE_MS, kill],
  ['km monitor is closed while a token that is over', SESSION, OVER_MS, close],
  ['km auth exec is killed while a token that is over', COMMAND, OVER_MS, kill],
])('the login outlives it that %s is being refreshed', async (_, args, agedMs, end) => {
  const { env, count, answer } = await slowRefresh(agedMs);
  const km = startKm(args, env);
  km.child.stdin.write('{"jsonrpc":"2.0","method":"before"}\n');
  await until('the refresh is under way', () => count('trouble.applied') === 1);
  end(km);
  // It waits for no answer: that is for another process to do.
  await km.ended;
  expect(count('token.refreshed')).toBe(0);
  answer();
  await until('the answer is stored', () => ownerPid(env) === undefined);
  expect(await runKm(['auth', 'token', '--scope', 'monitoring'], { env })).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect([count('token.refreshed'), count('family.revoked')]).toEqual([1, 0]);
});

test('a session goes on with what another process has refreshed, and delivers', async () => {
  const { env, count, answer } = await slowRefresh(OVER_MS);
  answer();
  const km = startKm(SESSION, env);
  km.child.stdin.write('{"jsonrpc":"2.0","method":"before"}\n');
  await until('the events are there', () => count('batch.stored') > 0);
  km.child.stdin.end();
  expect(await km.ended).toMatchObject({ code: 0 });
  expect(km.stderr()).toBe('');
  expect([count('token.refreshed'), count('family.revoked')]).toEqual([1, 0]);
});

test('what the other process finds out is told once, and as by the session itself', async () => {
  const { api, env, answer } = await slowRefresh(OVER_MS);
  answer();
  api.trouble.clear();
  const cache = createFileCache({ folder: configFolderOf(env), environment: env });
  const [key] = await cache.listGrants();
  const { refreshToken } = (await cache.getGrant(key!)) ?? {};
  // Somebody else uses it, who should not have it.
  const body = JSON.stringify({ grant_type: 'refresh_token', refresh_token: refreshToken?.secret.reveal() });
  const headers = { 'content-type': 'application/json' };
  expect(await fetch(`${api.url}/api/auth/token`, { method: 'POST', headers, body })).toMatchObject({
    status: 200,
  });
  const km = startKm(SESSION, env);
  km.child.stdin.write('{"jsonrpc":"2.0","method":"before"}\n');
  await until('it is told', () => km.stderr().includes('events wait in the queue'));
  km.child.stdin.end();
  await km.ended;
  expect(km.stderr()).toMatch(
    /^km: [^\n]+reuse detected[^\n]+; log in again\nkm: monitoring goes on[^\n]+; run `km auth login[^\n]+`\n$/,
  );
});
