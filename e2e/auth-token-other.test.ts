import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, startKm } from './support/km.js';
import { ownerPid } from './support/login-owner.js';
import { until } from './support/until.js';

const TOKEN = ['auth', 'token', '--scope', 'monitoring'];

/** A `km auth token` that has the lock, and is not answered soon. */
async function whileOneAsks() {
  let requests = 0;
  const api = await startApi({
    onEvent: (event) => event.type === 'request' && event.path === '/api/auth/token' && (requests += 1),
  });
  api.trouble.add({ path: '/api/auth/token', latencyMs: 3_000, count: 1 });
  const env = accountAt(api.url, { KM_REQUEST_TIMEOUT: '60s' });
  const asking = startKm(TOKEN, env);
  await until('it has the lock', () => ownerPid(env) === asking.child.pid);
  return { env, asking, requests: () => requests };
}

describe('commands that need the token that another command obtains just now', () => {
  test('print what that one prints', async () => {
    const { env, asking, requests } = await whileOneAsks();
    const others = Array.from({ length: 8 }, () => startKm(TOKEN, env));
    const all = [asking, ...others];
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(
      all.map(() => ({ code: 0, signal: null })),
    );
    expect(asking.stdout().toString()).toMatch(/^\S+\n$/);
    expect(new Set(all.map(({ stdout }) => stdout().toString())).size).toBe(1);
    expect(all.map(({ stderr }) => stderr())).toEqual(all.map(() => ''));
    expect(requests()).toBe(1);
  });

  test('get one by themselves, one for all of them, when that one is killed', async () => {
    const { env, asking, requests } = await whileOneAsks();
    const others = Array.from({ length: 8 }, () => startKm(TOKEN, env));
    asking.child.kill('SIGKILL');
    await asking.ended;
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual(
      others.map(() => ({ code: 0, signal: null })),
    );
    expect(others[0]?.stdout().toString()).toMatch(/^\S+\n$/);
    expect(new Set(others.map(({ stdout }) => stdout().toString())).size).toBe(1);
    // The one that was killed may have asked as well.
    expect(requests()).toBeLessThanOrEqual(2);
  });
});
