import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileCache } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';
import { expect, onTestFinished, test } from 'vitest';
import { AccountAccess } from '../src/queue/account-access.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { batchOf } from './support/events.js';

const KEY = 'km_live_access';

test('another try is worth it at once where a person logged in again in the same way', async () => {
  const folder = temporaryFolder();
  const { logins } = createFileCache({ folder, environment: {} });
  const login = { profile: 'default', apiEndpoint: 'https://api.example', kind: 'refresh_token' } as const;
  await logins.set({ ...login, atMs: 1 });
  const access = await AccountAccess.open({}, contextWith({ KM_CONFIG_DIR: folder }));
  const { manager } = access;
  expect([await access.lookAgain(), await access.lookAgain()]).toEqual([true, false]);
  await logins.set({ ...login, atMs: 2 });
  expect(await access.lookAgain()).toBe(true);
  expect(access.manager).not.toBe(manager);
  // Its own refusals are counted anew.
  expect([await access.lookAgain(), await access.lookAgain()]).toEqual([true, false]);
});

test('what is refused again after events were delivered is tried again as soon as the first time', async () => {
  const api = await startLocalApi({
    apiKeys: [KEY],
    trouble: ['path=/api/events/batch,status=403,count=1'],
  });
  onTestFinished(() => api.close());
  const access = await AccountAccess.open(
    {},
    contextWith(
      { KM_CONFIG_DIR: temporaryFolder(), KILOMETERS_API_ENDPOINT: api.url, KILOMETERS_API_KEY: KEY },
      { fetch },
    ),
  );
  expect([await access.lookAgain(), await access.lookAgain()]).toEqual([true, false]);
  const batch = batchOf('1');
  expect(await access.send(batch)).toMatchObject({ needsHuman: true });
  expect(await access.lookAgain()).toBe(false);
  expect(await access.send(batch)).toEqual({ type: 'delivered' });
  expect(await access.lookAgain()).toBe(true);
  await access.stop();
});

/** Somebody for whom `work` is the active profile, and who makes `home` it, where they are logged in. */
async function userWhoSwitches() {
  const folder = temporaryFolder();
  const { logins } = createFileCache({ folder, environment: {} });
  const makeActive = (activeProfile: string) =>
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ activeProfile }), { mode: 0o600 });
  const logIn = (profile: string) =>
    logins.set({ profile, apiEndpoint: `https://${profile}.example`, kind: 'refresh_token', atMs: 1 });
  makeActive('work');
  await logIn('home');
  const open = () => AccountAccess.open({}, contextWith({ KM_CONFIG_DIR: folder }));
  return { folder, logins, makeActive, logIn, open };
}

test('a session stays with its profile where another is made the active one, also after a logout', async () => {
  const { logins, makeActive, logIn, open } = await userWhoSwitches();
  await logIn('work');
  const access = await open();
  makeActive('home');
  expect(await access.lookAgain()).toBe(true);
  expect(access.account).toEqual({ profile: 'work', origin: 'https://work.example' });
  await logins.remove('work');
  for (let n = 0; n < 2; n += 1) {
    expect(await access.lookAgain()).toBe(true);
    expect(access.account).toEqual({ profile: 'work', origin: undefined });
  }
  await logIn('work');
  expect(await access.lookAgain()).toBe(true);
  expect(access.account).toEqual({ profile: 'work', origin: 'https://work.example' });
});

test('a session that began with nobody logged in is of the profile that somebody logs in to, and stays so', async () => {
  const { makeActive, logIn, open } = await userWhoSwitches();
  const access = await open();
  expect(access.account).toEqual({ profile: 'work', origin: undefined });
  makeActive('home');
  expect(await access.lookAgain()).toBe(true);
  expect(access.account).toEqual({ profile: 'home', origin: 'https://home.example' });
  makeActive('work');
  await logIn('work');
  expect(await access.lookAgain()).toBe(true);
  expect(access.account).toEqual({ profile: 'home', origin: 'https://home.example' });
});

test('a session stays with its profile, too, where its login could not be read', async () => {
  const { folder, makeActive, open } = await userWhoSwitches();
  const credentials = join(folder, '.credentials');
  renameSync(credentials, `${credentials}.there`);
  symlinkSync('/dev/null', credentials);
  const access = await open();
  rmSync(credentials);
  renameSync(`${credentials}.there`, credentials);
  makeActive('home');
  await access.lookAgain();
  expect(access.account.profile).toBe('work');
});
