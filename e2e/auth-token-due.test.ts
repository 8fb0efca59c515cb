import { AuthToken, createFileCache } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { configFolderOf } from './support/login-owner.js';
import { CLI } from './support/oauth-clients.js';
import { at, logInByWeb, WEB } from './support/oauth-km.js';
import { startOAuthServer } from './support/oauth-server.js';
import { until } from './support/until.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];
/** A token of an hour is due in its last five minutes. */
const AGED_MS = 57 * 60_000;
/** What `km` waits for a newer token, and what it takes to start it twice on a busy machine. */
const AT_ONCE_MS = 2_000 + 4_000;
const SLOW_MS = 7_000;

/** Lets the time of all tokens pass that are stored. */
async function age(env: Record<string, string>): Promise<void> {
  const cache = createFileCache({ folder: configFolderOf(env), environment: env });
  const aged = (token: AuthToken): AuthToken =>
    new AuthToken({
      value: token.reveal(),
      type: token.type,
      scopes: token.scopes,
      issuedAtMs: token.issuedAtMs - AGED_MS,
      expiresAtMs: token.expiresAtMs - AGED_MS,
    });
  for (const key of await cache.listGrants()) {
    await cache.updateGrant(
      key,
      (record) =>
        record && {
          ...record,
          tokens: new Map([...record.tokens].map(([scope, token]) => [scope, aged(token)])),
        },
    );
  }
}

/** An account whose token is due, though it is good for minutes. */
async function dueAccount() {
  let requests = 0;
  const api = await startApi({
    onEvent: (event) => event.type === 'request' && event.path === '/api/auth/token' && (requests += 1),
  });
  const env = accountAt(api.url);
  const { stdout } = await runKm(TOKEN, { env });
  await age(env);
  return { api, env, due: stdout, requests: () => requests };
}

describe('km auth token with a token that is due', () => {
  test('prints the newer one, where that comes soon', async () => {
    const { env, due, requests } = await dueAccount();
    const { code, stdout, stderr } = await runKm(TOKEN, { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S+\n$/);
    expect(stdout).not.toBe(due);
    expect(requests()).toBe(2);
  });

  test('does not wait for a slow service: it ends with the token at hand, and the answer is stored all the same', async () => {
    const { api, env, due, requests } = await dueAccount();
    api.trouble.add({ path: '/api/auth/token', latencyMs: SLOW_MS });
    const startedAtMs = performance.now();
    expect(await runKm(TOKEN, { env })).toMatchObject({ code: 0, stdout: due, stderr: '' });
    expect(performance.now() - startedAtMs).toBeLessThan(AT_ONCE_MS);
    const now = { ...env, KM_REFRESH_AHEAD: '1s' };
    await until('the answer is stored', async () => (await runKm(TOKEN, { env: now })).stdout !== due);
    expect(requests()).toBe(2);
  });

  test('does not wait for another issuer that is slow, either', async () => {
    const server = await startOAuthServer({ clients: [CLI], tokenTtl: 3_600 });
    const { env } = await logInByWeb([...at(server), ...WEB]);
    const { stdout: due } = await runKm(['auth', 'token'], { env });
    await age(env);
    server.next({ slowMs: SLOW_MS });
    const startedAtMs = performance.now();
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stdout: due, stderr: '' });
    expect(performance.now() - startedAtMs).toBeLessThan(AT_ONCE_MS);
    const now = { ...env, KM_REFRESH_AHEAD: '1s' };
    await until(
      'the answer is stored',
      async () => (await runKm(['auth', 'token'], { env: now })).stdout !== due,
    );
    expect(server.refreshes()).toBe(1);
    expect(server.revoked()).toBe(0);
  });

  test('says what the refresh found out', async () => {
    const { env } = await dueAccount();
    const { stderr } = await runKm(TOKEN, { env: { ...env, KM_DEBUG: 'true' } });
    expect(stderr).toMatch(/asking for a token by refresh_token/);
  });
});
