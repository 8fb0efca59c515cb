import { mkdtemp, rm } from 'node:fs/promises';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthManager, createFileCache, type AuthManager } from '../src/index.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';
import { recordEvents } from './support/record-events.js';
import { scriptedProvider, type ScriptedProvider } from './support/scripted-provider.js';
import { HOUR } from './support/setup.js';

/*
 * A program that was given a refresh token, which was used up with the first renewal. What replaced it is in the files
 * only; then these are damaged. Sending the one that was given would tell the service of a theft.
 */
let folder: string;
let clock: FakeClock;
let provider: ScriptedProvider;
let newProgram: () => AuthManager;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-lost-login-'));
  clock = fakeClock();
  provider = scriptedProvider({ clock });
  const refreshToken = provider.login('monitoring');
  newProgram = () =>
    createAuthManager({
      refreshToken,
      provider,
      clock,
      random: () => 0,
      cache: createFileCache({ folder, environment: {}, clock: { ...clock, schedule: realSchedule } }),
    });
  await newProgram().getValidToken('monitoring');
  await clock.advance(HOUR);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Waiting for a lock is real here. */
function realSchedule(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => {
    clearTimeout(timer);
  };
}

const DAMAGE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'cut in half': (bytes) => bytes.subarray(0, bytes.length / 2),
  garbage: (bytes) => Buffer.alloc(bytes.length, 0xa5),
  'changed in its last byte': (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1)]),
  empty: () => Buffer.alloc(0),
};

function damage(name: string, how: string): void {
  const path = join(folder, name);
  writeFileSync(path, DAMAGE[how]!(readFileSync(path)));
}

describe.each(Object.keys(DAMAGE))('when the file is %s', (how) => {
  test.each([
    ['.credentials alone', ['.credentials']],
    ['both files', ['.credentials', '.auth_cache']],
  ])(
    '%s: the refresh token that was given is not sent again, by this program nor the next',
    async (_, names) => {
      for (const name of names) damage(name, how);
      const requests = provider.calls;
      const program = newProgram();
      const events = recordEvents(program);

      await expect(program.getValidToken('monitoring')).rejects.toMatchObject({
        code: 'KM_AUTH_LOGIN_REQUIRED',
        message: expect.stringMatching(/damaged.*km auth login/) as string,
      });
      const told = events.of('security.event').map(({ message }) => message);
      for (const name of names) expect(told.filter((message) => message.includes(name))).not.toEqual([]);
      await expect(newProgram().getValidToken('monitoring')).rejects.toMatchObject({
        code: 'KM_AUTH_LOGIN_REQUIRED',
      });
      expect(provider.calls).toBe(requests);
      expect(readdirSync(folder).some((name) => name.startsWith('.credentials.corrupt-'))).toBe(true);
    },
  );

  test('.auth_cache alone: the login goes on', async () => {
    damage('.auth_cache', how);

    expect((await newProgram().getValidToken('monitoring')).reveal()).toEqual(expect.any(String));
    expect(provider.calls).toBe(2);
  });
});

test('.auth_cache is removed and .credentials is damaged: the refresh token that was given is not sent again', async () => {
  rmSync(join(folder, '.auth_cache'));
  damage('.credentials', 'garbage');

  await expect(newProgram().getValidToken('monitoring')).rejects.toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
  });
  expect(provider.calls).toBe(1);
});
