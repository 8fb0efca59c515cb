import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthError } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { attempt } from '../src/health/health-check.js';
import { settle } from '../src/health/settings-checks.js';
import type { SharedCache } from '../src/token-cache.js';
import { contextWith, temporaryFolder } from './support/context.js';

const AGAIN = 'then run km doctor again';

function userWith(configJson: string) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), configJson, { mode: 0o600 });
  return contextWith({ KM_CONFIG_DIR: folder });
}

async function checkOf(name: string, context: ReturnType<typeof userWith>, files?: SharedCache) {
  const { checks } = await settle({}, context, files);
  return checks.find((check) => check.name === name);
}

test('settings that are broken, or none, are to be corrected or moved away', async () => {
  const toCorrect = {
    state: 'failed',
    remedy: expect.stringMatching(/^correct it, or move it away/) as string,
  };
  expect(await checkOf('config', userWith('{'))).toMatchObject(toCorrect);
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'config.json'));
  expect(await checkOf('config', contextWith({ KM_CONFIG_DIR: folder }))).toMatchObject(toCorrect);
});

test('of settings of a newer version the remedy is to update, as they say', async () => {
  const { detail, remedy } = (await checkOf('config', userWith('{"version": 99}'))) ?? {};
  expect(detail).toMatch(/: update km, or move the file away$/);
  expect(remedy).toBe(`do what it says, ${AGAIN}`);
});

test('where logins cannot be read, none for this endpoint is asked for', async () => {
  const refused = new AuthError('KM_AUTH_CACHE', 'the keyring is locked: unlock it');
  const files = { logins: { get: () => Promise.reject(refused) } } as unknown as SharedCache;
  expect(await checkOf('settings', userWith('{}'), files)).toMatchObject({
    state: 'warning',
    remedy: 'do what it says',
  });
});

test('of a login that a newer km has made the remedy is what is said of it', async () => {
  const login = { kind: 'passkey', profile: 'default', apiEndpoint: 'https://api.example', atMs: 1 };
  const files = { logins: { get: () => Promise.resolve(login) } } as unknown as SharedCache;
  const { detail, remedy } = (await checkOf('settings', userWith('{}'), files)) ?? {};
  expect(detail).toMatch(/was stored by a newer km: upgrade this one, or log in again with it$/);
  expect(remedy).toBe('do what it says');
});

test('only of what says what to do that is the remedy', async () => {
  const failing = (error: Error) =>
    attempt('queue', () => {
      throw error;
    });
  expect(await failing(new Error('EACCES: permission denied'))).toMatchObject([
    { remedy: `see what keeps km from it, ${AGAIN}` },
  ]);
  expect(await failing(new AuthError('KM_AUTH_CACHE', 'unlock it'))).toMatchObject([
    { remedy: `do what it says, ${AGAIN}` },
  ]);
});
