import { expect, test } from 'vitest';
import { machineId, systemSource, type MachineIdSource } from '../src/caches/file/machine-id.js';

const FILES: Readonly<Record<string, string>> = {
  '/etc/machine-id': 'etc-id\n',
  '/var/lib/dbus/machine-id': 'dbus-id\n',
};

/** A machine on which these files can be read, and each command says `said`. */
function machine(
  platform: NodeJS.Platform,
  files: Readonly<Record<string, string>>,
  said = '',
): MachineIdSource & { readonly commands: string[] } {
  const commands: string[] = [];
  return {
    platform,
    commands,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    },
    run: (command, args) => {
      commands.push([command, ...args].join(' '));
      if (said === '') throw new Error('ENOENT');
      return said;
    },
  };
}

test('on Linux it is what the system wrote, in either place', () => {
  expect(machineId(machine('linux', FILES))).toBe('etc-id');
  expect(machineId(machine('linux', { ...FILES, '/etc/machine-id': '\n' }))).toBe('dbus-id');
  expect(machineId(machine('linux', { '/var/lib/dbus/machine-id': 'dbus-id\n' }))).toBe('dbus-id');
});

test('on macOS it is the UUID of the platform', () => {
  const mac = machine('darwin', FILES, '    "IOPlatformUUID" = "0123-ABC"\n    "other" = "x"');

  expect(machineId(mac)).toBe('0123-ABC');
  expect(mac.commands).toEqual(['/usr/sbin/ioreg -rd1 -c IOPlatformExpertDevice']);
});

test('on Windows it is the GUID of the installation', () => {
  const windows = machine('win32', FILES, '    MachineGuid    REG_SZ    0123-abc\r\n');

  expect(machineId(windows)).toBe('0123-abc');
  expect(windows.commands).toEqual(['reg query HKLM\\SOFTWARE\\Microsoft\\Cryptography /v MachineGuid']);
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
