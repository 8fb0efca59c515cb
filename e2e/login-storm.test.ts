import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, API_KEY, runKm, startKm } from './support/km.js';
import {
  endOf,
  NOTHING,
  ONE_REFRESH,
  startAtGate,
  startLogin,
  type Login,
  type Said,
} from './support/login.js';
import { configFolderOf } from './support/login-owner.js';
import { until } from './support/until.js';

/** All twenty with KM_ALL_STORMS=1. */
const IS_WHOLE = process.env['KM_ALL_STORMS'] === '1';
const ROUNDS = IS_WHOLE ? 20 : 3;
const LONG_TTL_MS = 3_600_000;

/** Long enough that on a busy machine a round is over before a new token is due. */
const SHORT_TTL_MS = 15_000;
/** A token is not sent in the last tenth of its life. */
const EXPIRED_AFTER_MS = SHORT_TTL_MS * 0.9;
/** Only then is it due. */
const LATE = { LOGIN_REFRESH_AHEAD_MS: String(SHORT_TTL_MS - EXPIRED_AFTER_MS) };
/** The token's life has to pass in each. */
const SHORT_ROUNDS = IS_WHOLE ? 20 : 2;

/** It takes long to start so many. */
const MANY = { timeout: 240_000 };

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** The one token that all of them got. */
function sharedToken(ends: readonly Said[]): string | undefined {
  expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
  expect(new Set(ends.map(({ token }) => token)).size).toBe(1);
  return ends[0]?.token;
}

/** Lets `count` programs go at one moment, not before `atMs`, with clocks that are so much fast. */
async function storm(
  login: Login,
  count: number,
  { atMs = 0, aheadMs = 0 }: { readonly atMs?: number; readonly aheadMs?: number } = {},
): Promise<readonly Said[]> {
  const variables = { LOGIN_CLOCK_AHEAD_MS: String(aheadMs) };
  const runs = await Promise.all(times(count, () => startAtGate(login, variables)));
  await until('the token at hand is over', () => Date.now() >= atMs);
  for (const { child } of runs) child.stdin.end();
  return Promise.all(runs.map(endOf));
}

test(
  '64 commands that start at once, with nothing stored, make one token request and print one token',
  MANY,
  async () => {
    const requests: string[] = [];
    const api = await startApi({
      onEvent: (event) => event.type === 'request' && requests.push(event.path),
    });
    // On a busy machine the API, in this very process, may take long to answer: that is not to be tried again here.
    const env = accountAt(api.url, { KM_REQUEST_TIMEOUT: '240s' });
    const runs = times(64, () => startKm(['auth', 'token', '--scope', 'monitoring'], env));
    const endings = await Promise.all(runs.map((run) => run.ended));
    expect(new Set(endings.map(({ code }) => code))).toEqual(new Set([0]));
    expect(new Set(runs.map((run) => run.stderr()))).toEqual(new Set(['']));
    const printed = new Set(runs.map((run) => run.stdout().toString()));
    expect(printed.size).toBe(1);
    expect([...printed][0]).toMatch(/^\S+\n$/);
    expect(requests).toEqual(['/api/auth/token']);
  },
);

/** Rounds of 32 programs, each of which finds the token of the round before expired. */
async function stormEachRound(
  login: Login,
  rounds: number,
  when: (round: number) => { readonly atMs?: number; readonly aheadMs?: number },
): Promise<void> {
  const tokens = new Set<string | undefined>();
  for (let round = 0; round < rounds; round += 1) {
    tokens.add(sharedToken(await storm(login, 32, when(round))));
    expect({ round, ...login.takeSeen() }).toEqual({ round, ...ONE_REFRESH });
  }
  expect(tokens.size).toBe(rounds);
}

describe('32 programs that find the token expired send a single-use refresh token once', () => {
  test(`in each of ${String(ROUNDS)} rounds, as the clock goes on`, { timeout: 240_000 }, async () => {
    const login = await startLogin({ tokenTtlMs: LONG_TTL_MS });
    await stormEachRound(login, ROUNDS, (round) => ({ aheadMs: round * LONG_TTL_MS }));
  });

  test(
    `in each of ${String(SHORT_ROUNDS)} rounds, with tokens of a few seconds`,
    { timeout: 600_000 },
    async () => {
      const login = await startLogin({ tokenTtlMs: SHORT_TTL_MS }, LATE);
      // Whoever refreshed had the token by the end of its round: its life is counted from then at the latest.
      await stormEachRound(login, SHORT_ROUNDS, (round) => ({
        atMs: round === 0 ? 0 : Date.now() + EXPIRED_AFTER_MS,
      }));
    },
  );
});

test('removing .auth_cache again and again during a storm loses no login', MANY, async () => {
  const login = await startLogin();
  const removals = 20;
  const folder = configFolderOf(login.env);
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
  rmSync(join(configFolderOf(login.env), '.auth_cache'));
  sharedToken(await storm(login, 8));
  expect(login.takeSeen()).toEqual(ONE_REFRESH);
});

test(
  '50 programs that find garbage in every file at once make one token request and get one token',
  MANY,
  async () => {
    // As above.
    const login = await startLogin({}, { LOGIN_API_KEY: API_KEY, LOGIN_TIMEOUT_MS: '240000' });
    sharedToken(await storm(login, 1));
    login.takeSeen();
    for (const name of ['.auth_cache', '.credentials', '.cache_key']) {
      writeFileSync(join(configFolderOf(login.env), name), randomBytes(1_000));
    }
    sharedToken(await storm(login, 50));
    expect(login.takeSeen()).toEqual({ ...NOTHING, tokenRequests: 1, logins: 1 });
  },
);

test('the command with another API key never gets the token of the one before', async () => {
  const api = await startApi({ apiKeys: ['km_live_e2e', 'km_live_other'] });
  const env = accountAt(api.url);
  const first = await runKm(['auth', 'token'], { env });
  const other = await runKm(['auth', 'token'], { env: { ...env, KILOMETERS_API_KEY: 'km_live_other' } });
  expect([first.code, other.code]).toEqual([0, 0]);
  expect(other.stdout).not.toBe(first.stdout);
});
