import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AuthError } from '../../auth-error.js';

/** Who we are to the file system: the user id, or `undefined` where there are none (Windows). */
const userId = process.getuid?.();

const TEMPORARY_MAX_AGE_MS = 60_000;

/** The `code` of a file system error, as in `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A file system failure, said so that its reader can mend it. */
export function storageError(what: string, path: string, error: unknown): AuthError {
  const hints: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full: free some space',
    EDQUOT: 'the disk quota is used up: free some space',
    EROFS: 'the file system is read-only: set KM_CONFIG_DIR to a folder that can be written',
    EACCES: 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR',
    EPERM: 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR',
    ENOTDIR: 'a part of the path is not a folder: set KM_CONFIG_DIR to one',
  };
  const code = errnoOf(error);
  const said = error instanceof Error ? error.message : String(error);
  return new AuthError(
    'KM_AUTH_CACHE',
    `${path} cannot be ${what}: ${(code !== undefined ? hints[code] : undefined) ?? said}`,
    {
      cause: error,
    },
  );
}

function refuse(path: string, why: string): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    `${path} ${why}; it is not used: remove it, or give it back to its user`,
  );
}

/** What was put right on the way. */
export type Repair = (message: string) => void;

/** Refuses what another user could have put there; narrows a mode that lets others in. */
function inspect(fd: number, path: string, onRepair: Repair): Stats {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw refuse(path, 'is not a file');
  if (userId === undefined) return stats;
  if (stats.uid !== userId)
    throw refuse(path, `belongs to user ${String(stats.uid)}, not to user ${String(userId)}`);
  if ((stats.mode & 0o077) !== 0) {
    fchmodSync(fd, 0o600);
    onRepair(
      `${path} could be read by other users (mode ${(stats.mode & 0o777).toString(8)}): it is 600 now`,
    );
  }
  return stats;
}

/**
 * Opens a private file for reading and hands its descriptor to `use`; `undefined` when there is none.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it is a symbolic link, another user's, or cannot be read.
 */
export function readPrivateFile<T>(
  path: string,
  onRepair: Repair,
  use: (fd: number, stats: Stats) => T,
): T | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw refuse(path, 'is a symbolic link');
    throw storageError('read', path, error);
  }
  try {
    return use(fd, inspect(fd, path, onRepair));
  } finally {
    closeSync(fd);
  }
}

/** Up to `length` bytes from `position`; fewer at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Creates a folder and those above it. On a read-only disk the recursive `mkdir` says ENOENT; the plain one says why. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdir(path, { mode: 0o700 }).catch((plain: unknown) => {
      if (errnoOf(plain) !== 'EEXIST') throw plain;
    });
  }
}

/** Creates a folder that only its user can enter, where it is missing. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
    const stats = await stat(path);
    if (userId !== undefined && stats.uid !== userId)
      throw refuse(path, `belongs to user ${String(stats.uid)}`);
    if (userId !== undefined && (stats.mode & 0o077) !== 0) {
      const folder = await open(path, constants.O_RDONLY);
      await folder.chmod(0o700).finally(() => folder.close());
    }
  } catch (error) {
    throw error instanceof AuthError ? error : storageError('written', path, error);
  }
}

/** Puts what was written or renamed in `folder` on the disk. Some file systems cannot: then it is their promise. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** A name beside `path` for what is written before it is whole. */
function temporaryName(path: string): string {
  return `${path}.tmp-${randomBytes(6).toString('hex')}`;
}

/**
 * Writes a private file beside `path` and hands its name to `place`, which links or renames it.
 *
 * @param isDurable whether it must outlive a loss of power.
 */
export async function writePrivateFileBeside(
  path: string,
  bytes: Buffer,
  isDurable: boolean,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(bytes);
      if (isDurable) await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  if (isDurable) await syncFolder(dirname(path));
}

/**
 * Replaces a private file as one step: a reader sees the old one or the new one, whole, whatever happens.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written; then the old one is untouched.
 */
export async function replacePrivateFile(path: string, bytes: Buffer): Promise<void> {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw refuse(path, 'is a symbolic link');
    await writePrivateFileBeside(path, bytes, true, (temporary) => rename(temporary, path));
  } catch (error) {
    throw error instanceof AuthError ? error : storageError('written', path, error);
  }
}

/** Where a file that does not open is moved, so that nothing of it is lost. */
export function asideName(path: string, nowMs: number): string {
  return `${path}.corrupt-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
}

/** Removes what killed writers left beside `path`. */
export async function sweepTemporaries(path: string, nowMs: number): Promise<void> {
  const folder = dirname(path);
  const start = `${basename(path)}.tmp-`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((other) => other.startsWith(start))) {
    const left = join(folder, name);
    const stats = await stat(left).catch(() => undefined);
    if (stats !== undefined && nowMs - stats.mtimeMs > TEMPORARY_MAX_AGE_MS)
      await unlink(left).catch(() => undefined);
  }
}
