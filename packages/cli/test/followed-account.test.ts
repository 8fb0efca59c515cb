import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileCache, grantKeyOfLogin, Secret, type StoredLogin } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';
import { expect, onTestFinished, test } from 'vitest';
import { FollowedAccount } from '../src/followed-account.js';
import { contextWith, temporaryFolder } from './support/context.js';

const KEY = 'km_live_followed';

/** The account of somebody whose login has no token left, and a way to log in anew. */
async function followed() {
  const api = await startLocalApi({ apiKeys: [KEY] });
  onTestFinished(() => api.close());
  const folder = temporaryFolder();
  const cache = createFileCache({ folder, environment: {} });
  const { logins } = cache;
  const login = { profile: 'default', apiEndpoint: api.url, atMs: 1 } as const;
  await logins.set({ ...login, kind: 'refresh_token' });
  // What stands in for the km that refreshes apart gets no further.
  const bundleFolder = temporaryFolder();
  writeFileSync(join(bundleFolder, 'main.cjs'), 'process.exit(1)');
  const context = contextWith({ KM_CONFIG_DIR: folder }, { bundleFolder });
  const account = await FollowedAccount.open({}, context);
  onTestFinished(() => account.manager.stop());
  const logIn = async (by: Partial<StoredLogin>): Promise<void> => {
    await logins.set({ ...login, ...by } as StoredLogin);
  };
  const logOut = async (): Promise<void> => {
    const ended = await logins.get(login.profile);
    await logins.remove(login.profile);
    await account.manager.clearCache();
    const nothing = { tokens: new Map(), unexplainedRequestsAtMs: [] };
    if (ended !== undefined) await cache.updateGrant(grantKeyOfLogin(ended), () => nothing);
  };
  return { account, logOut, folder, logIn, told: context.told };
}

const WITH_KEY = { kind: 'api_key', apiKey: Secret.from(KEY) } as const;

test('a login that is made meanwhile is used, and its events are told', async () => {
  const { account, logIn } = await followed();
  const [events, before]: [string[], unknown] = [[], account.manager];
  const unsubscribe = account.subscribe(({ type }) => events.push(type));
  account.start();
  await expect(account.getValidToken('monitoring')).rejects.toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(account.manager).toBe(before);

  await logIn(WITH_KEY);
  expect((await account.getValidToken('monitoring')).scopes).toEqual(['monitoring']);
  expect(events.at(-1)).toBe('token.issued');
  unsubscribe();
  const told = events.length;
  await account.manager.forceRefresh('monitoring');
  expect(events).toHaveLength(told);
});

test('one in the same way is another one, and is opened once however many ask', async () => {
  const { account, logIn } = await followed();
  const { manager } = account;
  expect(await account.isReplaced(manager)).toBe(false);
  await logIn({ kind: 'refresh_token', atMs: 2 });
  expect(await Promise.all([account.isReplaced(manager), account.isReplaced(manager)])).toEqual([true, true]);
  const next = account.manager;
  expect(next).not.toBe(manager);
  expect(await account.isReplaced(manager)).toBe(true);
  expect(await account.isReplaced(next)).toBe(false);
  expect(account.manager).toBe(next);
});

test('after a logout the failure says that nobody is logged in, and the next login is used', async () => {
  const { account, logOut, logIn } = await followed();
  await logIn(WITH_KEY);
  await account.getValidToken('monitoring');
  await logOut();
  await expect(account.getValidToken('monitoring')).rejects.toMatchObject({
    code: 'KM_AUTH_LOGIN_REQUIRED',
    message: 'nobody is logged in; run `km auth login`',
  });
  await logIn({ ...WITH_KEY, atMs: 3 });
  await expect(account.getValidToken('monitoring')).resolves.toBeDefined();
});

test('a profile that is made the active one meanwhile is another one: its login is not used', async () => {
  const { account, folder, logIn } = await followed();
  await logIn({ ...WITH_KEY, profile: 'other' });
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ activeProfile: 'other' }), { mode: 0o600 });
  await expect(account.getValidToken('monitoring')).rejects.toMatchObject({ code: 'KM_AUTH_LOGIN_REQUIRED' });
  expect(account.manager.profile).toBe('default');
});

test('logins that cannot be read are no logout, and are not told each time', async () => {
  const { account, folder, told } = await followed();
  const { manager } = account;
  rmSync(join(folder, '.credentials'));
  symlinkSync('/dev/null', join(folder, '.credentials'));
  for (let time = 0; time < 3; time += 1) expect(await account.isReplaced(manager)).toBe(false);
  expect(account.manager).toBe(manager);
  expect(told).toEqual([]);
});
