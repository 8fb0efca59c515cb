import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startApi } from './support/api.js';
import { accountAt, runKm } from './support/km.js';
import { NOTHING, ONE_REFRESH, runProgram, startLogin } from './support/login.js';
import { configFolderOf } from './support/login-owner.js';
import { can, mountSmall, run } from './support/login-system.js';
import { CAN_BE_NOBODY, startAsNobody } from './support/nobody.js';

const CAN_MOUNT = can('mounting', 'unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt');
const IS_ROOT = process.getuid?.() === 0;

function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** The header with a higher version, and a check that says that this is no damage. */
function newerSealed(bytes: Buffer): Buffer {
  bytes.writeUInt16BE(2, 4);
  sha256(bytes.subarray(0, 12)).copy(bytes, 12, 0, 4);
  return bytes;
}

/** What a newer version may make of a file. */
const NEWER: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  '.auth_cache': newerSealed,
  '.credentials': newerSealed,
  '.cache_key': () => {
    const line = 'km-key 2 elsewhere';
    return Buffer.from(`${line} ${sha256(line).toString('hex').slice(0, 8)}\n`);
  },
};

/** An account whose config folder is there. */
async function account() {
  const requests: string[] = [];
  const api = await startApi({ onEvent: (event) => event.type === 'request' && requests.push(event.path) });
  const env = accountAt(api.url);
  const folder = configFolderOf(env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { env, folder, requests, cacheFile: join(folder, '.auth_cache') };
}

/** One token, one line on stderr that says `warning`. */
async function expectOneWarning(env: Record<string, string>, warning: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runKm(['auth', 'token'], { env });
  expect(stderr).toMatch(/^km: [^\n]+\n$/);
  expect(stderr).toMatch(warning);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\S+\n$/) as string });
}

function fill(folder: string): void {
  try {
    writeFileSync(join(folder, 'filler'), Buffer.alloc(1024 * 1024));
  } catch {
    // It is full now.
  }
}

describe('the token works from memory, with one warning,', () => {
  test('when the cache is a symbolic link, which is left as it is', async () => {
    const { env, folder, cacheFile } = await account();
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, cacheFile);
    await expectOneWarning(env, /symbolic link/);
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
  });

  test.runIf(IS_ROOT)('when the cache belongs to another user', async () => {
    const { env, cacheFile } = await account();
    await runKm(['auth', 'token'], { env });
    chownSync(cacheFile, 12_345, 12_345);
    await expectOneWarning(env, /belongs to user 12345/);
    expect(statSync(cacheFile).uid).toBe(12_345);
  });

  test.each(Object.entries(NEWER))(
    'when a newer version wrote %s, which is left alone',
    async (name, newer) => {
      const { env, folder, cacheFile } = await account();
      await runKm(['auth', 'token'], { env });
      const file = join(folder, name);
      const bytes = newer(readFileSync(file));
      writeFileSync(file, bytes);
      // What mints tokens is looked at when there is none.
      if (name === '.credentials') rmSync(cacheFile);
      await expectOneWarning(env, /newer version \(format 2\) and is left alone: update/);
      expect(readFileSync(file)).toEqual(bytes);
      expect(readdirSync(folder).filter((other) => other.includes('corrupt'))).toEqual([]);
    },
  );

  test('but is the one at hand, with none, when a newer version wrote only what mints tokens', async () => {
    const { env, folder } = await account();
    const { stdout } = await runKm(['auth', 'token'], { env });
    const file = join(folder, '.credentials');
    writeFileSync(file, newerSealed(readFileSync(file)));
    expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stdout, stderr: '' });
  });

  test.runIf(CAN_MOUNT)('when the config folder is read-only', async () => {
    const { env, folder } = await account();
    mountSmall(folder, '64k');
    run('mount', '-o', 'remount,ro', folder);
    await expectOneWarning(env, /read-only/);
  });

  test.runIf(CAN_MOUNT)('when the disk is full', async () => {
    const { env, folder } = await account();
    mountSmall(folder, '64k');
    fill(folder);
    await expectOneWarning(env, /disk is full/);
  });

  test.each(['/dev/null/no-home', '/proc', '/proc/no-home'])(
    'when the home of the user cannot be made: %s',
    async (home) => {
      const { env } = await account();
      await expectOneWarning({ ...env, HOME: home }, /tokens stay in memory/);
    },
  );

  test.runIf(CAN_BE_NOBODY)('when the user has no home', async () => {
    const { env } = await account();
    const km = startAsNobody(['auth', 'token'], env);
    const { code } = await km.ended;
    expect(km.stderr()).toMatch(/^km: [^\n]*no home folder[^\n]*KM_CONFIG_DIR[^\n]*\n$/);
    expect({ code, stdout: km.stdout().toString() }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\S+\n$/) as string,
    });
  });
});

test('a cache that others could read is narrowed, said once, and used', async () => {
  const { env, folder, cacheFile, requests } = await account();
  const { stdout } = await runKm(['auth', 'token'], { env });
  chmodSync(cacheFile, 0o644);
  await expectOneWarning(env, /600 now/);
  expect(statSync(cacheFile).mode & 0o777).toBe(0o600);
  chmodSync(folder, 0o755);
  await expectOneWarning(env, /entered by other users \(mode 755\): it is 700 now/);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(await runKm(['auth', 'token'], { env })).toMatchObject({ code: 0, stdout, stderr: '' });
  expect(requests).toEqual(['/api/auth/token']);
});

test('with KM_NO_TOKEN_CACHE=1 nothing is written and nothing is said', async () => {
  const { env, folder } = await account();
  rmSync(folder, { recursive: true });
  const run = await runKm(['auth', 'token'], { env: { ...env, KM_NO_TOKEN_CACHE: '1' } });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(() => statSync(folder)).toThrow('ENOENT');
});

test.runIf(CAN_MOUNT)(
  'on a full disk a refresh token is not sent, and the login is there when space is free again',
  async () => {
    const login = await startLogin({ tokenTtlMs: 60_000 });
    const folder = configFolderOf(login.env);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mountSmall(folder, '128k');
    expect((await runProgram(login)).token).toEqual(expect.any(String));
    expect(login.takeSeen()).toEqual(ONE_REFRESH);
    renameSync(join(folder, '.auth_cache'), join(folder, 'old'));
    fill(folder);
    const said = await runProgram(login);
    expect(said.code).toBe('KM_AUTH_CACHE');
    expect(said.message).toMatch(/disk space/);
    expect(login.takeSeen()).toEqual(NOTHING);
    rmSync(join(folder, 'filler'));
    expect((await runProgram(login)).token).toEqual(expect.any(String));
    expect(login.takeSeen()).toEqual(ONE_REFRESH);
  },
);
