import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createFileCache, Secret, type GrantRecord } from '../src/index.js';
import {
  machineId,
  systemSource,
  thisMachineId,
  type MachineIdSource,
} from '../src/caches/file/machine-id.js';

const FILES: Readonly<Record<string, string>> = {
  '/etc/machine-id': 'etc-id\n',
  '/var/lib/dbus/machine-id': 'dbus-id\n',
};

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: it failed`), { code });
}

/** A machine on which these files can be read, or fail, and each command says `said`. */
function machine(
  platform: NodeJS.Platform,
  files: Readonly<Record<string, string | Error>>,
  said: string | Error = '',
): MachineIdSource & { readonly commands: string[] } {
  const commands: string[] = [];
  return {
    platform,
    commands,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw failure('ENOENT');
      if (text instanceof Error) throw text;
      return text;
    },
    run: (command, args) => {
      commands.push([command, ...args].join(' '));
      if (said instanceof Error) throw said;
      return said;
    },
  };
}

test('on Linux it is what the system wrote, in either place', () => {
  expect(machineId(machine('linux', FILES))).toBe('etc-id');
  expect(machineId(machine('linux', { ...FILES, '/etc/machine-id': '\n' }))).toBe('dbus-id');
  expect(machineId(machine('linux', { '/var/lib/dbus/machine-id': 'dbus-id\n' }))).toBe('dbus-id');
});

test.each(['EISDIR', 'ELOOP'])('on Linux a place where no file can be (%s) says nothing', (code) => {
  const files = { ...FILES, '/etc/machine-id': failure(code) };
  expect(machineId(machine('linux', files))).toBe('dbus-id');
  expect(machineId(machine('linux', { '/etc/machine-id': failure(code) }))).toBe('');
});

test('on macOS it is the UUID of the platform', () => {
  const mac = machine('darwin', FILES, '    "IOPlatformUUID" = "0123-ABC"\n    "other" = "x"');

  expect(machineId(mac)).toBe('0123-ABC');
  expect(mac.commands).toEqual(['/usr/sbin/ioreg -rd1 -c IOPlatformExpertDevice']);
});

test('on Windows it is the GUID of the installation', () => {
  const windows = machine('win32', FILES, '    MachineGuid    REG_SZ    0123-abc\r\n');

  expect(machineId(windows)).toBe('0123-abc');
  expect(windows.commands).toEqual(['reg query HKLM\\SOFTWARE\\Microsoft\\Cryptography']);
});

test('is nothing where nothing tells', () => {
  for (const platform of ['linux', 'darwin', 'win32'] as const)
    expect(machineId(machine(platform, {}))).toBe('');
  for (const platform of ['darwin', 'win32'] as const)
    expect(machineId(machine(platform, FILES, 'another answer'))).toBe('');
  expect(machineId(machine('freebsd', FILES, 'MachineGuid REG_SZ x'))).toBe('');
});

test('this machine is asked by its files and programs, which are given nothing to read, and whose complaints nobody sees', () => {
  expect(systemSource.readFile('/proc/self/status')).toContain('Pid:');
  expect(systemSource.run('sh', ['-c', 'cat; echo "$0"; echo complaint >&2', 'id'])).toBe('id\n');
});

test.each<[string, MachineIdSource]>([
  ['a file that cannot be opened', machine('linux', { ...FILES, '/etc/machine-id': failure('EMFILE') })],
  ['a second file that cannot be read', machine('linux', { '/var/lib/dbus/machine-id': failure('EIO') })],
  ['a program that takes too long on macOS', machine('darwin', FILES, failure('ETIMEDOUT'))],
])('%s is not taken for none: it is an error that says to try again', (_what, source) => {
  expect(() => machineId(source)).toThrow(
    expect.objectContaining({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(/cannot be read now .*nothing was changed, try again$/) as string,
    }),
  );
});

test.each<[string, MachineIdSource, string]>([
  [
    'a file that may not be read',
    machine('linux', { ...FILES, '/etc/machine-id': failure('EACCES') }),
    'let this user read it',
  ],
  [
    'a file that a policy bars',
    machine('linux', { ...FILES, '/etc/machine-id': failure('EPERM') }),
    'let this user read it',
  ],
  [
    'a program that fails on Windows',
    machine('win32', FILES, new Error('Command failed: reg query')),
    'let this user run it',
  ],
  [
    'a program that is not found on Windows',
    machine('win32', FILES, failure('ENOENT')),
    'let this user run it',
  ],
  ['a program that may not be run', machine('darwin', FILES, failure('EACCES')), 'let this user run it'],
])('%s is an error that says what to do, for that does not pass by itself', (_what, source, remedy) => {
  expect(() => machineId(source)).toThrow(
    expect.objectContaining({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(new RegExp(`nothing was changed; ${remedy}$`)) as string,
    }),
  );
});

test('a login is there again after a moment in which nothing told the machine: nothing was moved aside', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'km-machine-id-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const files: Record<string, string | Error> = { ...FILES };
  let asked = 0;
  const source = machine('linux', files);
  const open = () =>
    createFileCache({
      folder,
      environment: {},
      machineId: () => {
        asked += 1;
        return machineId(source);
      },
      userId: 'user',
    });
  const key = { apiOrigin: 'https://api.example', profile: 'default', credential: 'login:1' };
  const record: GrantRecord = {
    tokens: new Map(),
    unexplainedRequestsAtMs: [],
    refreshToken: { secret: new Secret('refresh-1'), issuedAtMs: 1 },
  };
  await open().updateGrant(key, () => record);
  const before = readFileSync(join(folder, '.credentials'));
  files['/etc/machine-id'] = failure('EMFILE');
  const cache = open();
  for (const attempt of [() => cache.getGrant(key), () => cache.updateGrant(key, () => record)])
    await expect(attempt()).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
  expect(readdirSync(folder).filter((name) => name.includes('corrupt'))).toEqual([]);
  expect(readFileSync(join(folder, '.credentials'))).toEqual(before);

  files['/etc/machine-id'] = 'etc-id';
  asked = 0;
  await cache.updateGrant(key, (current) => ({ ...current!, unexplainedRequestsAtMs: [1] }));
  await cache.updateGrant(key, (current) => ({ ...current!, unexplainedRequestsAtMs: [2] }));
  expect((await cache.getGrant(key))?.refreshToken?.secret.reveal()).toBe('refresh-1');
  expect(asked).toBe(1);
});

test('what this machine is is found out once a process', () => {
  const first = thisMachineId();
  const looks = [vi.spyOn(systemSource, 'readFile'), vi.spyOn(systemSource, 'run')];
  expect(thisMachineId()).toBe(first);
  for (const look of looks) {
    expect(look).not.toHaveBeenCalled();
    look.mockRestore();
  }
});
