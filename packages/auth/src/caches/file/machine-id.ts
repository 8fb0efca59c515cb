import { readFileSync } from 'node:fs';
import { AuthError } from '../../auth-error.js';
import { errnoOf } from './storage-error.js';

/** How the machine's identity is read; tests bring their own. */
export type MachineIdSource = {
  readonly platform: NodeJS.Platform;
  readonly readFile: (path: string) => string;
  readonly run: (command: string, args: readonly string[]) => string;
};

/** This machine. */
export const systemSource: MachineIdSource = {
  platform: process.platform,
  readFile: (path) => readFileSync(path, 'utf8'),
  run: (command, args) =>
    process
      .getBuiltinModule('node:child_process')
      .execFileSync(command, args, { encoding: 'utf8', timeout: 2_000, stdio: ['ignore', 'pipe', 'ignore'] }),
};

/** What goes by: too many open files, no memory, a program or a disk that is slow. */
const PASSING: ReadonlySet<string | undefined> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'EIO',
  'ESTALE',
  'ETIMEDOUT',
]);
/** Where there is no file. */
const NO_FILE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP']);

/**
 * A machine id that cannot be read must not count as missing: that would make another key, and every login would be moved
 * aside.
 *
 * @param remedy what helps where that does not pass by itself.
 */
function untold(what: string, cause: unknown, remedy: string): AuthError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new AuthError(
    'KM_AUTH_CACHE',
    `what tells this machine from others cannot be read now (${what}: ${said}), and the key of the token cache depends on it: nothing was changed${PASSING.has(errnoOf(cause)) ? ', try again' : `; ${remedy}`}`,
    { cause },
  );
}

/** What a file says; nothing where there is none. */
function textOf({ readFile }: MachineIdSource, path: string): string {
  try {
    return readFile(path);
  } catch (error) {
    if (NO_FILE.has(errnoOf(error))) return '';
    throw untold(path, error, 'let this user read it');
  }
}

/** What a program of the system says that found it. */
function answerOf({ run }: MachineIdSource, command: string, args: readonly string[]): string {
  try {
    return run(command, args);
  } catch (error) {
    throw untold([command, ...args].join(' '), error, 'let this user run it');
  }
}

function firstOf(readers: readonly (() => string | undefined)[]): string | undefined {
  for (const read of readers) {
    const id = read()?.trim();
    if (id !== undefined && id !== '') return id;
  }
  return undefined;
}

/**
 * What tells this machine from another, or `''` where nothing does: then the install secret alone protects.
 *
 * Linux: `/etc/machine-id`. macOS: `IOPlatformUUID`. Windows: `MachineGuid`. The last two are written after
 * their documentation and tested by injection; they are not run on those systems here.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be told.
 */
export function machineId(source: MachineIdSource = systemSource): string {
  const byPlatform: Readonly<Partial<Record<NodeJS.Platform, readonly (() => string | undefined)[]>>> = {
    linux: [() => textOf(source, '/etc/machine-id'), () => textOf(source, '/var/lib/dbus/machine-id')],
    darwin: [
      () =>
        /"IOPlatformUUID" = "([^"]+)"/.exec(
          answerOf(source, '/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']),
        )?.[1],
    ],
    win32: [
      // All of its values: asked for this one, `reg` fails in the same way whether there is none or something is amiss.
      () =>
        /MachineGuid\s+REG_SZ\s+(\S+)/.exec(
          answerOf(source, 'reg', ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography']),
        )?.[1],
    ],
  };
  return firstOf(byPlatform[source.platform] ?? []) ?? '';
}

let known: string | undefined;

/** The {@link machineId} of this machine, found out once a process: it stays the same, and may take a program. */
export function thisMachineId(): string {
  known ??= machineId();
  return known;
}
