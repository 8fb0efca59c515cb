import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.js';
import { runProgram, startLogin, type Login, type Said } from './support/login.js';
import { configFolderOf } from './support/login-owner.js';

/** Every step with a file with KM_ALL_STORMS=1, also those that change nothing. */
const STEPS = process.env['KM_ALL_STORMS'] === '1' ? 'all' : 'changes';
/** How many logins at a time. */
const LANES = 3;
const KILLER = fileURLToPath(new URL('support/kill-at-step.cjs', import.meta.url));

/** What a program with the login did with its files; it is killed before step `at`. */
type Steps = { readonly said: Said; readonly taken: readonly string[] };

async function runUntil(login: Login, at = 0): Promise<Steps> {
  const log = join(temporaryFolder(), 'steps');
  const said = await runProgram(login, {
    NODE_OPTIONS: `--require=${KILLER}`,
    KILL_AT: String(at),
    KILL_LOG: log,
    KILL_STEPS: STEPS,
  });
  return { said, taken: readFileSync(log, 'utf8').trim().split('\n') };
}

/** Without a token at hand the next program needs a request. */
function forgetToken(login: Login): void {
  rmSync(join(configFolderOf(login.env), '.auth_cache'), { force: true });
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Does `work` for each, a few at a time. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(times(LANES, lane));
}

function expectFilesOpen(login: Login, said: Said): void {
  expect(said.stderr).not.toMatch(/not open|damaged/);
  expect(readdirSync(configFolderOf(login.env)).filter((name) => name.includes('corrupt'))).toEqual([]);
}

test(
  'killed before any step of a renewal, a program leaves what the next one gets a token with, and no login is lost',
  { timeout: 600_000 },
  async () => {
    const logins = await Promise.all(times(LANES, () => startLogin({ graceMs: 60_000 })));
    await runUntil(logins[0]!);
    forgetToken(logins[0]!);
    const { taken } = await runUntil(logins[0]!);
    expect(taken.some((step) => step.startsWith('rename'))).toBe(true);
    const killed: string[] = [];
    await inLanes(
      times(taken.length, (index) => index + 1),
      async (at) => {
        const login = logins.shift()!;
        forgetToken(login);
        const { said, taken: before } = await runUntil(login, at);
        if (said.signal === 'SIGKILL') killed.push(before.at(-1)!);
        const next = await runProgram(login);
        expect({ at: before.at(-1), code: next.code, said: next.message }).toEqual({
          at: before.at(-1),
          code: 0,
        });
        expect(next.token).toEqual(expect.any(String));
        expectFilesOpen(login, next);
        logins.push(login);
      },
    );
    expect(killed.length).toBeGreaterThanOrEqual(taken.length - LANES);
    for (const login of logins) expect(login.takeSeen()).toMatchObject({ reused: 0, logins: 0 });
  },
);

test(
  'killed before any step of the first renewal, with a service that ends a login at reuse, only an answer that was lost costs it, and that is said',
  { timeout: 600_000 },
  async () => {
    const { taken } = await runUntil(await startLogin());
    const lost: string[] = [];
    await inLanes(
      times(taken.length, (index) => index + 1),
      async (at) => {
        const login = await startLogin();
        const { said, taken: before } = await runUntil(login, at);
        expect(said.signal).toBe('SIGKILL');
        const wasAnswered = login.takeSeen().refreshed > 0;
        const next = await runProgram(login);
        expectFilesOpen(login, next);
        if (next.token !== undefined) return;
        lost.push(before.at(-1)!);
        expect({ at: before.at(-1), wasAnswered }).toEqual({ at: before.at(-1), wasAnswered: true });
        expect(next.code).toBe('KM_AUTH_LOGIN_REQUIRED');
        expect(next.message).toMatch(/the answer was lost on the way back.*km auth login/);
      },
    );
    // From the answer until what replaces the refresh token has its name, and no longer.
    expect(lost.some((step) => step.startsWith('rename') && step.endsWith('.credentials'))).toBe(true);
    expect(lost.filter((step) => step.includes('.auth_cache'))).toEqual([]);
    expect(new Set(lost).size).toBe(lost.length);
  },
);
