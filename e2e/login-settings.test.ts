import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byDevice, OTHER_KEY, user } from './support/device-user.js';
import { temporaryFolder } from './support/folder.js';
import { API_KEY, runKm } from './support/km.js';
import { can, mountSmall, run } from './support/login-system.js';
import { startOnTerminal } from './support/terminal.js';

const CAN_MOUNT = can('mounting', 'unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
const BY_KEY = ['auth', 'login', '--api-key-stdin'];
/** Ordinary reads take the last; who writes it again would lose one. */
const TWICE = '{"theme": "dark", "theme": "light", "profiles": {}}';

describe('where config.json cannot be changed', () => {
  test('a login is refused before anybody is asked, and the one from before goes on', async () => {
    const one = await user();
    await runKm(BY_KEY, { env: one.env, input: API_KEY });
    one.write(TWICE);
    const { stdout } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env: one.env });
    const refused = await runKm(BY_KEY, { env: one.env, input: OTHER_KEY });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^km: \S+config\.json:1:19: this name is there twice; nothing was changed: [^\n]+\n$/,
    );
    expect(one.count('token.issued')).toBe(1);
    expect(one.read()).toBe(TWICE);
    expect(await runKm(['auth', 'token', '--scope', 'monitoring'], { env: one.env })).toMatchObject({
      stdout,
    });
  });

  test('since it was damaged while a person was asked, what was won is given back', async () => {
    const one = await user();
    expect(await byDevice(one)).toMatchObject({ code: 0 });
    const failed = await byDevice(one, () => one.write(TWICE));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('this name is there twice; nothing was changed');
    // The login that nobody has any more, and not the one from before.
    expect(one.count('family.revoked')).toBe(1);
    expect(await runKm(['auth', 'refresh'], { env: one.env })).toMatchObject({ code: 0 });
  });

  test.runIf(CAN_MOUNT)('since it is in a read-only place, only a new profile is refused', async () => {
    const one = await user();
    const place = temporaryFolder();
    mountSmall(place, '64k');
    const profiles = { default: { apiEndpoint: one.api.url } };
    writeFileSync(join(place, 'config.json'), JSON.stringify({ profiles }), { mode: 0o600 });
    symlinkSync(join(place, 'config.json'), one.path);
    run('mount', '-o', 'remount,ro', place);
    const refused = await runKm([...BY_KEY, '--profile', 'work'], { env: one.env, input: API_KEY });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^km: \S+config\.json cannot be written: [^\n]*nothing was changed[^\n]*\n$/,
    );
    expect(one.count('token.issued')).toBe(0);
    expect(await runKm(BY_KEY, { env: one.env, input: API_KEY })).toMatchObject({ code: 0 });
  });
});

test.runIf(CAN_MOUNT)('where the folder for config.json cannot be made nobody is asked', async () => {
  const one = await user();
  const place = temporaryFolder();
  mountSmall(place, '64k');
  run('mount', '-o', 'remount,ro', place);
  const env = { ...one.env, KM_CONFIG_DIR: join(place, 'not', 'there') };
  const refused = await runKm(['auth', 'login', '--device'], { env });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^km: \S+config\.json cannot be written: EROFS[^\n]*nothing was changed[^\n]*\n$/,
  );
  expect(one.count('request')).toBe(0);
});

test.runIf(CAN_MOUNT)(
  'an issuer is asked only where its profile can be changed in config.json, or stays as it is',
  async () => {
    const [one, place] = [await user(), temporaryFolder()];
    mountSmall(place, '64k');
    const provider = { issuer: one.api.url, clientId: 'cli', login: 'device' };
    const profiles = { default: { maxRetries: 1 }, corp: { provider } };
    writeFileSync(join(place, 'config.json'), JSON.stringify({ profiles }), { mode: 0o600 });
    symlinkSync(join(place, 'config.json'), one.path);
    run('mount', '-o', 'remount,ro', place);
    const login = ['auth', 'login', '--issuer', one.api.url, '--client-id', 'cli', '--device'];
    const refused = await runKm(login, { env: one.env });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^km: \S+config\.json cannot be written: [^\n]*nothing was changed[^\n]*\n$/,
    );
    expect(one.count('request')).toBe(0);
    // This API is no such issuer: what counts is that it is asked.
    expect(await runKm(['auth', 'login', '--profile', 'corp'], { env: one.env })).toMatchObject({ code: 1 });
    expect(one.count('request')).toBeGreaterThan(0);
  },
);

test('a login that cannot be stored leaves the one from before, and config.json, as they were', async () => {
  const one = await user();
  expect(await byDevice(one)).toMatchObject({ code: 0 });
  one.write(
    '{"version": 1, "profiles": {"default": {"apiEndpoint": "https://elsewhere.example", "maxRetries": 1}}}',
  );
  const before = one.read();
  const logins = join(one.folder, '.credentials');
  const bytes = readFileSync(logins);
  const failed = await byDevice(one, () => {
    rmSync(logins);
    symlinkSync('/dev/null', logins);
  });
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('symbolic link');
  expect(JSON.parse(one.read())).toEqual(JSON.parse(before));
  expect(one.count('family.revoked')).toBe(1);

  rmSync(logins);
  writeFileSync(logins, bytes, { mode: 0o600 });
  expect(await runKm(['auth', 'refresh'], { env: one.env })).toMatchObject({ code: 0 });
});

test('km init without --force stores nothing over a profile that was made while it asked', async () => {
  const one = await user();
  const km = startOnTerminal(['init'], { env: one.env });
  await km.shows('Type a number');
  const made = '{"profiles": {"default": {"refreshAhead": "9m"}}}';
  one.write(made);
  km.type('2\r');
  await km.shows('Paste the API key');
  km.type(`${API_KEY}\r`);
  expect(await km.ended).toMatchObject({ code: 1 });
  expect(km.shown().replaceAll(/\s+/g, ' ')).toContain(
    'profile default is there already, and stays as it is',
  );
  expect(one.read()).toBe(made);
  expect(await runKm(['auth', 'token'], { env: one.env })).toMatchObject({ code: 4 });
});
