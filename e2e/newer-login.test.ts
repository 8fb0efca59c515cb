import { createFileCache } from '@kilometers/auth';
import { expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { API_KEY, environment, runKm } from './support/km.js';
import { configFolderOf } from './support/login-owner.js';

const NOTE =
  'km: the login of profile default was stored by a newer km: upgrade this one, or log in again with it\n';

/** Somebody with a login of a kind that a later version has made up, and with one that is known in another profile. */
async function user() {
  const api = await startApi();
  const env = environment({ KILOMETERS_API_ENDPOINT: api.url });
  await runKm(['auth', 'login', '--api-key-stdin', '--profile', 'work'], { env, input: API_KEY });
  const { logins } = createFileCache({ folder: configFolderOf(env), environment: env });
  const login = {
    ...{ profile: 'default', apiEndpoint: api.url, atMs: 1 },
    toJSON: () => ({ ...login, kind: 'passkey' }),
  };
  await logins.set({ ...login, kind: 'refresh_token' });
  const names = async () => (await logins.list()).map(({ profile }) => profile);
  return { env, names };
}

test('a login that a newer km has stored is not used, and every command says so', async () => {
  const { env } = await user();
  const token = await runKm(['auth', 'token'], { env });
  expect(token).toMatchObject({ code: 4, stdout: '' });
  expect(token.stderr).toContain(NOTE);
  const status = await runKm(['auth', 'status', '--json'], { env });
  const { profiles } = JSON.parse(status.stdout) as { profiles: readonly object[] };
  expect(profiles).toMatchObject([
    { profile: 'default', credential: null, note: NOTE.slice('km: '.length, -1) },
    { profile: 'work', credential: 'api_key', note: null },
  ]);
  const list = await runKm(['auth', 'profiles'], { env });
  expect(list).toMatchObject({ code: 0 });
  expect(list.stdout).toMatch(/default .*logged in by a newer km: upgrade this one/);
  const doctor = await runKm(['doctor'], { env });
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain('was stored by a newer km');
  expect(await runKm(['auth', 'revoke'], { env })).toMatchObject({ code: 0 });
  expect(await runKm(['auth', 'token', '--profile', 'work'], { env })).toMatchObject({ code: 0, stderr: '' });
});

test('a logout ends it, and all others with --all', async () => {
  const [one, all] = await Promise.all([user(), user()]);
  expect(await runKm(['auth', 'logout'], { env: one.env })).toMatchObject({
    code: 0,
    stderr: 'km: profile default: logged out\n',
  });
  expect(await one.names()).toEqual(['work']);
  expect(await runKm(['auth', 'logout', '--all'], { env: all.env })).toMatchObject({
    code: 0,
    stderr: 'km: all profiles: logged out\n',
  });
  expect(await all.names()).toEqual([]);
});

test('a login replaces it', async () => {
  const { env } = await user();
  expect(await runKm(['auth', 'login', '--api-key-stdin'], { env, input: API_KEY })).toMatchObject({
    code: 0,
  });
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
});
