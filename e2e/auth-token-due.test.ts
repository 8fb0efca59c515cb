import { describe, expect, test } from 'vitest';
import { age, DUE_MS } from './support/age.js';
import { startApi } from './support/api.js';
import { createGate } from './support/gate.js';
import { accountAt, runKm } from './support/km.js';
import { ownerPid } from './support/login-owner.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { LIMIT_MS, SELDOM_MS, until } from './support/until.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
/** For who is to see the newer token: on a busy machine it takes long to start `km` once more for it. */
const PATIENT = { KM_REFRESH_DEADLINE: '40s' };

/** Waits until the token at hand is not `due` any more, and the `km` that saw to it has ended its work. */
async function untilStored(args: readonly string[], env: Record<string, string>, due: string): Promise<void> {
  const now = { ...env, KM_REFRESH_AHEAD: '1s' };
  await until(
    'the answer is stored',
    async () => (await runKm(args, { env: now })).stdout !== due,
    LIMIT_MS,
    SELDOM_MS,
  );
  await until('nobody refreshes any more', () => ownerPid(env) === undefined);
}

/** An account whose token is due, though it is good for minutes. */
async function dueAccount(options: Parameters<typeof startApi>[0] = {}) {
  let requests = 0;
  const api = await startApi({
    ...options,
    onEvent: (event) => event.type === 'request' && event.path === '/api/auth/token' && (requests += 1),
  });
  const env = accountAt(api.url);
  const { stdout } = await runKm(TOKEN, { env });
  await age(env, DUE_MS);
  return { api, env, due: stdout, requests: () => requests };
}

describe('km auth token with a token that is due', () => {
  test('prints the newer one, where that comes soon', async () => {
    const { env, due, requests } = await dueAccount();
    const { code, stdout, stderr } = await runKm(TOKEN, { env: { ...env, ...PATIENT } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S+\n$/);
    expect(stdout).not.toBe(due);
    expect(requests()).toBe(2);
  });

  test('does not wait for a slow service: it ends with the token at hand, and the answer is stored all the same', async () => {
    const gate = createGate();
    const { api, env, due, requests } = await dueAccount({ sleep: () => gate.opened });
    api.trouble.add({ path: '/api/auth/token', latencyMs: 1 });
    expect(await runKm(TOKEN, { env })).toMatchObject({ code: 0, stdout: due, stderr: '' });
    // A request counts when it is answered.
    expect(requests()).toBe(1);
    gate.open();
    await untilStored(TOKEN, env, due);
    expect(requests()).toBe(2);
  });

  test('does not wait for another issuer that is slow, either', async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: 3_600 });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    const { stdout: due } = await runKm(['auth', 'token'], { env });
    await age(env, DUE_MS);
    const gate = createGate();
    server.next({ until: gate.opened });
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stdout: due, stderr: '' });
    gate.open();
    await untilStored(['auth', 'token'], env, due);
    expect(server.refreshes()).toBe(1);
    expect(server.revoked()).toBe(0);
  });

  test('says what the refresh found out', async () => {
    const { env } = await dueAccount();
    const { stderr } = await runKm(TOKEN, { env: { ...env, ...PATIENT, KM_DEBUG: 'true' } });
    expect(stderr).toMatch(/asking for a token by refresh_token/);
  });
});
