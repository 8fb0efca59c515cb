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
