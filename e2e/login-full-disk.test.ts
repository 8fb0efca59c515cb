import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deviceApi } from './support/device-api.js';
import { byDevice, onFullDisk, user } from './support/device-user.js';
import { runKm } from './support/km.js';
import { until } from './support/until.js';

describe('a login that fails since the disk is full is ended, and the one from before goes on,', () => {
  test.each([
    ['where what mints tokens was written, and the tokens were not', '.auth_cache'],
    ['where nothing was written', '.credentials:1'],
    ['where the grant was written, and the login was not', '.credentials:2'],
  ])('%s', async (_, files) => {
    const one = await user();
    expect(await byDevice(one)).toMatchObject({ code: 0 });
    const { stdout } = await runKm(['auth', 'token', '--scope', 'monitoring'], { env: one.env });
    const failed = await byDevice({ ...one, env: onFullDisk(one.env, files) });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('the disk is full');
    expect(failed.stderr).not.toContain('could not be put back');
    expect(one.count('family.revoked')).toBe(1);
    expect(await runKm(['auth', 'token', '--scope', 'monitoring'], { env: one.env })).toMatchObject({
      stdout,
    });
    expect(await runKm(['auth', 'refresh'], { env: one.env })).toMatchObject({ code: 0 });
  });

  test('also where only what mints tokens can be put back; what helps is said', async () => {
    const one = await user();
    expect(await byDevice(one)).toMatchObject({ code: 0 });
    const failed = await byDevice({ ...one, env: onFullDisk(one.env, '.credentials:2,.auth_cache:2') });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/km: the tokens of the login from before .*: run `km auth refresh`\n/);
    expect(one.count('family.revoked')).toBe(1);
    expect(await runKm(['auth', 'refresh'], { env: one.env })).toMatchObject({ code: 0 });
  });

  test('or is ended itself where it cannot be put back; what helps is said', async () => {
    const one = await user();
    expect(await byDevice(one)).toMatchObject({ code: 0 });
    const failed = await byDevice({ ...one, env: onFullDisk(one.env, '.credentials:2,.credentials:3') });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('could not be put back: log in again');
    expect(one.count('family.revoked')).toBe(1);
    // What was won is what is there.
    expect(await runKm(['auth', 'refresh'], { env: one.env })).toMatchObject({ code: 0 });
  });
});

test('config.json has the login from before again when the API of the one that failed is asked to end that', async () => {
  const [one, other] = await Promise.all([user(), deviceApi()]);
  const { KILOMETERS_API_ENDPOINT: _endpoint, ...env } = one.env;
  expect(await byDevice({ ...one, env, flags: ['--endpoint', one.api.url] })).toMatchObject({ code: 0 });
  const before = one.read();
  other.api.trouble.add({ path: '/api/auth/revoke', latencyMs: 2_000, count: Infinity });
  const failing = byDevice({
    api: other.api,
    env: onFullDisk(env, '.auth_cache'),
    flags: ['--endpoint', other.api.url],
  });
  await until('the API is asked', () => other.count('trouble.applied') > 0);
  expect(JSON.parse(one.read())).toEqual(JSON.parse(before));
  expect(await failing).toMatchObject({ code: 1 });
  expect(other.count('family.revoked')).toBe(1);
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stderr: '' });
});

test('the first login of a user that fails leaves no config.json; one that was empty stays', async () => {
  const one = await user();
  const env = onFullDisk(one.env, '.auth_cache');
  expect(await byDevice({ ...one, env })).toMatchObject({ code: 1 });
  expect(existsSync(one.path)).toBe(false);
  one.write('');
  expect(await byDevice({ ...one, env })).toMatchObject({ code: 1 });
  expect(existsSync(one.path)).toBe(true);
});
