import { expect, test } from 'vitest';
import type { ApiEvent } from '@kilometers/local-api';
import {
  endOf,
  NOTHING,
  ONE_REFRESH,
  runProgram,
  startAtGate,
  startLogin,
  startProgram,
  type Login,
} from './support/login.js';
import { ownerPid } from './support/login-owner.js';
import { until } from './support/until.js';

const SLOW_MS = process.env['KM_ALL_STORMS'] === '1' ? 60_000 : 12_000;
const PAUSE_MS = process.env['KM_ALL_STORMS'] === '1' ? 30_000 : 8_000;

/** The program that has sent the refresh token, and others that wait for it. */
async function startWaiting(login: Login, latencyMs: number, ofOwner: Readonly<Record<string, string>> = {}) {
  login.api.trouble.add({ latencyMs });
  const others = await Promise.all(Array.from({ length: 4 }, () => startAtGate(login)));
  const arrived = nextEvent(login, (event) => event.type === 'trouble.applied');
  const owner = startProgram(login, ofOwner);
  await arrived;
  expect(ownerPid(login.env)).toBe(owner.child.pid);
  for (const { child } of others) child.stdin.end();
  return { owner, others };
}

function nextEvent(login: Login, is: (event: ApiEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = login.api.on((event) => {
      if (!is(event)) return;
      stop();
      resolve();
    });
  });
}

/** All got the owner's token, and nobody but it asked for one. */
async function expectOneToken(
  login: Login,
  { owner, others }: Awaited<ReturnType<typeof startWaiting>>,
): Promise<void> {
  const { token } = await endOf(owner);
  const ends = await Promise.all(others.map(endOf));
  expect(ends.map((end) => end.token)).toEqual(others.map(() => token));
  expect(token).toEqual(expect.any(String));
  expect(login.takeSeen()).toEqual(ONE_REFRESH);
}

async function pauseOwner(): Promise<void> {
  const login = await startLogin();
  const waiting = await startWaiting(login, 200);
  waiting.owner.child.kill('SIGSTOP');
  const endsAtMs = performance.now() + PAUSE_MS;
  await until('the pause is over', () => performance.now() > endsAtMs, PAUSE_MS * 2);
  expect(ownerPid(login.env)).toBe(waiting.owner.child.pid);
  waiting.owner.child.kill('SIGCONT');
  await expectOneToken(login, waiting);
}

async function waitForSlowService(): Promise<void> {
  const login = await startLogin();
  await expectOneToken(login, await startWaiting(login, SLOW_MS));
}

test(
  'an owner that is paused, or waits long for the service, keeps the lock, and the others take its token',
  { timeout: 120_000 },
  async () => {
    await Promise.all([pauseOwner(), waitForSlowService()]);
  },
);

test.each([
  ['SIGTERM', 'of the only manager', {}],
  ['SIGTERM', 'of one of several managers', { LOGIN_IDLE_BESIDE: '1' }],
  ['SIGINT', 'of the only manager', {}],
  ['SIGHUP', 'of the only manager', {}],
] as const)(
  '%s during a refresh %s: the answer is waited for and stored, then the signal ends the program',
  async (signal, _whose, ofOwner) => {
    const login = await startLogin();
    const { owner, others } = await startWaiting(login, 1_000, ofOwner);
    owner.child.kill(signal);
    expect(await owner.ended).toEqual({ code: null, signal });
    // Another may refresh in its place: the API does nothing for one that went away, and counts nothing.
    expect(owner.stderr()).toMatch(/monitoring: token .* replaced by .* by refresh_token/);
    const ends = await Promise.all(others.map(endOf));
    expect(ends.filter(({ token }) => token === undefined)).toEqual([]);
    expect(login.takeSeen()).toEqual(ONE_REFRESH);
    expect((await runProgram(login)).token).toBe(ends[0]?.token);
    expect(login.takeSeen()).toEqual(NOTHING);
  },
);
