import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm, startKm } from './support/km.js';
import {
  endOf,
  NOTHING,
  ONE_REFRESH,
  startAtGate,
  startLogin,
  type Login,
  type Said,
} from './support/login.js';
import { until } from './support/until.js';

const TOKEN_TTL_MS = 3_000;
/** A token is not sent in the last tenth of its life. */
const EXPIRED_AFTER_MS = TOKEN_TTL_MS * 0.9;
/** All twenty with KM_ALL_STORMS=1: the token's life has to pass in each. */
const ROUNDS = process.env['KM_ALL_STORMS'] === '1' ? 20 : 8;

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** The one token that all of them got. */
function sharedToken(ends: readonly Said[]): string | undefined {
  expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
  expect(new Set(ends.map(({ token }) => token)).size).toBe(1);
  return ends[0]?.token;
}

/** Lets `count` programs go at one moment, not before `atMs`. */
async function storm(login: Login, count: number, atMs = 0): Promise<readonly Said[]> {
  const runs = await Promise.all(times(count, () => startAtGate(login)));
  await until('the token at hand is over', () => Date.now() >= atMs);
  for (const { child } of runs) child.stdin.end();
  return Promise.all(runs.map(endOf));
}

test('64 commands that start at once, with nothing stored, make one token request and print one token', async () => {
  const requests: string[] = [];
  const api = await startApi({
    onEvent: (event) => event.type === 'request' && requests.push(event.path),
  });
  // On a busy machine the API, in this very process, may take long to answer: that is not to be tried again here.
  const env = accountAt(api.url, { KM_REQUEST_TIMEOUT: '60s' });
  const runs = times(64, () => startKm(['auth', 'token', '--scope', 'monitoring'], env));
  const endings = await Promise.all(runs.map((run) => run.ended));
  expect(new Set(endings.map(({ code }) => code))).toEqual(new Set([0]));
  expect(new Set(runs.map((run) => run.stderr()))).toEqual(new Set(['']));
  const printed = new Set(runs.map((run) => run.stdout().toString()));
  expect(printed.size).toBe(1);
  expect([...printed][0]).toMatch(/^\S+\n$/);
  expect(requests).toEqual(['/api/auth/token']);
});

test(
  `${String(ROUNDS)} rounds of 32 programs that find the token expired send a single-use refresh token once a round`,
  { timeout: 240_000 },
  async () => {
    const login = await startLogin({ tokenTtlMs: TOKEN_TTL_MS });
    const tokens = new Set<string | undefined>();
    let expiredAtMs = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      tokens.add(sharedToken(await storm(login, 32, expiredAtMs)));
      const issuedAtMs = login.api.store.stats().lastRefreshAtMs ?? 0;
      expiredAtMs = issuedAtMs + EXPIRED_AFTER_MS;
      expect({ round, ...login.takeSeen() }).toEqual({ round, ...ONE_REFRESH });
    }
    expect(tokens.size).toBe(ROUNDS);
  },
);

test('removing .auth_cache again and again during a storm loses no login', async () => {
  const login = await startLogin();
  const removals = 20;
  const folder = join(login.env['HOME'] ?? '', '.config', 'kilometers');
  const runs = await Promise.all(times(32, () => startAtGate(login)));
  for (const { child } of runs) child.stdin.end();
  let ended = 0;
  const ends = runs.map((run) => endOf(run).finally(() => (ended += 1)));
  for (let removed = 0; removed < removals && ended < runs.length; removed += 1) {
    rmSync(join(folder, '.auth_cache'), { force: true });
    await until('another program is served', () => ended > removed || ended === runs.length);
  }
  const said = await Promise.all(ends);
  expect(said.filter(({ token }) => token === undefined)).toEqual([]);
  expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
});

test('after .auth_cache is removed a login with a refresh token alone goes on without a new login', async () => {
  const login = await startLogin();
  sharedToken(await storm(login, 2));
  expect(login.takeSeen()).toEqual(ONE_REFRESH);
  sharedToken(await storm(login, 2));
  expect(login.takeSeen()).toEqual(NOTHING);
  rmSync(join(login.env['HOME'] ?? '', '.config', 'kilometers', '.auth_cache'));
  sharedToken(await storm(login, 8));
  expect(login.takeSeen()).toEqual(ONE_REFRESH);
});

test('the command with another API key never gets the token of the one before', async () => {
  const api = await startApi({ apiKeys: ['km_live_e2e', 'km_live_other'] });
  const env = accountAt(api.url);
  const first = await runKm(['auth', 'token'], { env });
  const other = await runKm(['auth', 'token'], { env: { ...env, KILOMETERS_API_KEY: 'km_live_other' } });
  expect([first.code, other.code]).toEqual([0, 0]);
  expect(other.stdout).not.toBe(first.stdout);
});
