import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { API_KEY } from './support/km.js';
import { runProgram, startLogin, waitedMs, type Login, type Said } from './support/login.js';
import { configFolderOf } from './support/login-owner.js';

const PRELOAD = fileURLToPath(new URL('./support/kill-at-step.cjs', import.meta.url));
/** Each step with KM_ALL_STORMS=1, otherwise each fourth. */
const EVERY = process.env['KM_ALL_STORMS'] === '1' ? 1 : 4;
const HOUR_MS = 3_600_000;
const SERVED_WITHIN_MS = 5_000;

/** A service that gives the same answer again for long, and one that ends a login at the first reuse. */
const SERVICES = [
  ['where the service repeats an answer', { graceMs: 120_000 }, {}],
  ['by API key where the service ends a login at the first reuse', {}, { LOGIN_API_KEY: API_KEY }],
] as const;

/** Runs a program that is killed right before a step, and tells which steps it came to. */
async function runToStep(
  login: Login,
  killAt: number | string,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly said: Said; readonly steps: readonly string[] }> {
  const file = join(temporaryFolder(), 'steps');
  const said = await runProgram(login, {
    ...variables,
    NODE_OPTIONS: `--require=${PRELOAD}`,
    STEPS_FILE: file,
    KILL_AT_STEP: String(killAt),
  });
  return { said, steps: readFileSync(file, 'utf8').trim().split('\n') };
}

/** The next program has a token in time, and finds no file damaged. */
async function expectNextServed(
  login: Login,
  when: object,
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  const said = await runProgram(login, variables);
  const { token, message, stderr } = said;
  expect({ ...when, token, message }).toEqual({ ...when, token: expect.any(String) as string });
  expect(waitedMs(said)).toBeLessThan(SERVED_WITHIN_MS);
  expect(stderr).not.toMatch(/corrupt|damaged|does not open|could not be opened/);
  expect(readdirSync(configFolderOf(login.env)).filter((name) => name.includes('corrupt'))).toEqual([]);
}

/** Calls `kill` for each step of those in `steps` that are to be tried. */
async function forSteps(
  steps: readonly string[],
  kill: (at: number, when: object) => Promise<void>,
): Promise<void> {
  expect(steps).toEqual(expect.arrayContaining(['fsync', 'rename', 'connect', 'the answer is there']));
  for (let at = 1; at <= steps.length; at += EVERY) await kill(at, { at, step: steps[at - 1] });
}

describe.each(SERVICES)(
  'whoever refreshes is killed before a step, and the next one gets a token, %s:',
  (_name, service, variables) => {
    const hasGrace = 'graceMs' in service;

    test('each step of the very first refresh', { timeout: 240_000 }, async () => {
      const { steps } = await runToStep(await startLogin(service, variables), 'none');
      await forSteps(steps, async (at, when) => {
        const login = await startLogin(service, variables);
        expect((await runToStep(login, at)).said.signal).toBe('SIGKILL');
        await expectNextServed(login, when);
        if (hasGrace)
          expect({ ...when, ...login.takeSeen() }).toMatchObject({ ...when, reused: 0, logins: 0 });
      });
    });

    test('each step of a later refresh', { timeout: 240_000 }, async () => {
      const login = await startLogin(service, variables);
      let hours = 0;
      /** The token at hand is over for who has this clock. */
      const aHourLater = () => ({ LOGIN_CLOCK_AHEAD_MS: String((hours += 1) * HOUR_MS) });
      await runProgram(login);
      const { steps } = await runToStep(login, 'none', aHourLater());
      await forSteps(steps, async (at, when) => {
        const clock = aHourLater();
        expect((await runToStep(login, at, clock)).said.signal).toBe('SIGKILL');
        await expectNextServed(login, when, clock);
      });
      if (hasGrace) expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
    });
  },
);

test('twelve who are killed one after the other, right after sending, do not make the next one wait', async () => {
  const login = await startLogin({ graceMs: 60_000 });
  for (let killed = 0; killed < 12; killed += 1) {
    const { said, steps } = await runToStep(login, 'all is sent');
    expect([said.signal, steps.at(-1)]).toEqual(['SIGKILL', 'all is sent']);
  }
  await expectNextServed(login, {});
  expect(login.takeSeen()).toMatchObject({ tokenRequests: 13, refreshed: 1, reused: 0, logins: 0 });
});
