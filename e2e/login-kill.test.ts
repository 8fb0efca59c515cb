import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { ApiEvent } from '@kilometers/local-api';
import { API_KEY } from './support/km.js';
import {
  endOf,
  runProgram,
  startAtGate,
  startLogin,
  waitedMs,
  type Login,
  type Said,
} from './support/login.js';
import { configFolderOf, nextOwner, ownerPid } from './support/login-owner.js';

/** Kills at each moment; four times as many with KM_ALL_STORMS=1. With the API key each costs two requests. */
const MANY = process.env['KM_ALL_STORMS'] === '1' ? 4 : 1;
const WITH_GRACE = { kills: 30 * MANY, aRound: 6 };
const WITH_API_KEY = { kills: 12 * MANY, aRound: 4 };
/** Each kill takes a program, and a busy machine long to start them. */
const LONG = { timeout: 240_000 };
const FREED_WITHIN_MS = 5_000;
const REQUEST_TAKES_MS = 25;

/** Waits for an event of the API that answers to `is`. */
function seeing(login: Login, is: (event: ApiEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = login.api.on((event) => {
      if (!is(event)) return;
      stop();
      resolve();
    });
  });
}

/** When the process with the lock is killed. */
const MOMENTS: Readonly<Record<string, (login: Login) => Promise<unknown>>> = {
  'when it has the lock': () => delay(Math.random() * 4),
  'when its request has arrived': (login) => seeing(login, ({ type }) => type === 'trouble.applied'),
  'when its answer is on the way': (login) => seeing(login, ({ type }) => type === 'request'),
  'when it has the answer': async (login) => {
    await seeing(login, ({ type }) => type === 'request');
    await delay(Math.random() * 30);
  },
  'at any time': () => delay(Math.random() * 60),
};

type Round = {
  readonly ends: readonly Said[];
  readonly kills: number;
  /** By the wall clock, in milliseconds. */
  readonly lastKillAtMs: number;
};

/** Several programs at once; whoever gets the lock is killed, but for the last. */
async function killOwners(
  login: Login,
  moment: (login: Login) => Promise<unknown>,
  most: number,
): Promise<Round> {
  // Without a token at hand, everybody needs a request.
  rmSync(join(configFolderOf(login.env), '.auth_cache'), { force: true });
  const runs = await Promise.all(Array.from({ length: most + 1 }, () => startAtGate(login)));
  const pids = new Set(runs.map(({ child }) => child.pid));
  const ends = runs.map(endOf);
  const served = new AbortController();
  void Promise.race(ends.map((end) => end.then(({ token }) => token ?? new Promise(() => undefined)))).then(
    () => {
      served.abort();
    },
  );
  for (const { child } of runs) child.stdin.end();
  let lastKillAtMs = Date.now();
  let before = ownerPid(login.env);
  for (let left = most; left > 0 && !served.signal.aborted; left -= 1) {
    const happened = moment(login);
    const owner = await nextOwner(login.env, before, () => served.signal.aborted);
    await Promise.race([happened, ...ends]);
    before = owner;
    if (owner === undefined || !pids.has(owner)) break;
    try {
      process.kill(owner, 'SIGKILL');
    } catch {
      break;
    }
    lastKillAtMs = Date.now();
    await ends[runs.findIndex(({ child }) => child.pid === owner)];
  }
  const said = await Promise.all(ends);
  return { ends: said, kills: said.filter(({ signal }) => signal === 'SIGKILL').length, lastKillAtMs };
}

async function killMany(
  login: Login,
  moment: (login: Login) => Promise<unknown>,
  { kills: enough, aRound }: typeof WITH_GRACE,
): Promise<void> {
  login.api.trouble.add({ latencyMs: REQUEST_TAKES_MS, count: Infinity });
  let kills = 0;
  while (kills < enough) {
    const { ends, kills: more, lastKillAtMs } = await killOwners(login, moment, aRound);
    kills += more;
    const survivors = ends.filter(({ signal }) => signal !== 'SIGKILL');
    expect(survivors.length).toBeGreaterThan(0);
    expect(survivors.filter(({ token }) => token === undefined)).toEqual([]);
    // The next one: the others wait for that one as well.
    const nextWaitedMs = Math.min(...survivors.map((said) => waitedMs(said, lastKillAtMs)));
    expect(nextWaitedMs).toBeLessThan(FREED_WITHIN_MS);
    expect(ends.map(({ stderr }) => stderr).join('')).not.toContain('could not be opened');
  }
  expect(readdirSync(configFolderOf(login.env)).filter((name) => name.includes('corrupt'))).toEqual([]);
}

describe('whoever holds the lock is killed, again and again', () => {
  test.each(Object.entries(MOMENTS))(
    '%s: the next one gets a token and the login is never lost, where the service repeats an answer',
    LONG,
    async (_name, moment) => {
      const login = await startLogin({ graceMs: 120_000 });
      await killMany(login, moment, WITH_GRACE);
      expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
    },
  );

  test.each(Object.entries(MOMENTS))(
    '%s: the next one gets a token, by API key where the service ends a login at the first reuse',
    LONG,
    async (_name, moment) => {
      const login = await startLogin({}, { LOGIN_API_KEY: API_KEY });
      await killMany(login, moment, WITH_API_KEY);
    },
  );
});

test('when the answer is lost and the service ends the login, the error says what happened and what to run', async () => {
  const login = await startLogin();
  login.api.trouble.add({ drop: 'after' });
  const said = await runProgram(login);
  expect(said.code).toBe('KM_AUTH_LOGIN_REQUIRED');
  expect(said.message).toMatch(/the answer was lost on the way back.*km auth login/);
});
