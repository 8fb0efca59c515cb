import { readFileSync } from 'node:fs';

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

function firstOf(readers: readonly (() => string | undefined)[]): string | undefined {
  for (const read of readers) {
    try {
      const id = read()?.trim();
      if (id !== undefined && id !== '') return id;
    } catch {
      // Not there: the next one may be.
    }
  }
  return undefined;
}

/**
 * What tells this machine from another, or `''` where nothing does: then the install secret alone protects.
 *
 * Linux: `/etc/machine-id`. macOS: `IOPlatformUUID`. Windows: `MachineGuid`. The last two are written after
 * their documentation and tested by injection; they are not run on those systems here.
 */
export function machineId(source: MachineIdSource = systemSource): string {
  const { platform, readFile, run } = source;
  const byPlatform: Readonly<Partial<Record<NodeJS.Platform, readonly (() => string | undefined)[]>>> = {
    linux: [() => readFile('/etc/machine-id'), () => readFile('/var/lib/dbus/machine-id')],
    darwin: [
      () =>
        /"IOPlatformUUID" = "([^"]+)"/.exec(
          run('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']),
        )?.[1],
    ],
    win32: [
      () =>
        /MachineGuid\s+REG_SZ\s+(\S+)/.exec(
          run('reg', ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid']),
        )?.[1],
    ],
  };
  return firstOf(byPlatform[platform] ?? []) ?? '';
}
