import { randomBytes } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AuthError } from '../../auth-error.js';
import { errnoOf, refuse, storageError } from './storage-error.js';

/** Who we are to the file system: the user id, or `undefined` where there are none (Windows). */
const userId = process.getuid?.();

const TEMPORARY_MAX_AGE_MS = 60_000;

/**
 * Creates a folder and those above it. Step by step: the recursive `mkdir` never ends where a folder that is there has no
 * place for another, as in /proc, and says ENOENT on a read-only disk where the plain one says why.
 */
async function makeFolders(path: string): Promise<void> {
  const make = async (): Promise<void> => {
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  };
  try {
    await make();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await make();
  }
}

/** Creates a folder that only its user can enter, where it is missing. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
    const stats = await stat(path);
    if (!stats.isDirectory()) throw refuse(path, 'is not a folder');
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
 * @param assertAllowed asked when all is written and nothing is replaced yet: it throws where it must not be.
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written; then the old one is untouched.
 */
export async function replacePrivateFile(
  path: string,
  bytes: Buffer,
  assertAllowed?: () => Promise<void>,
): Promise<void> {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw refuse(path, 'is a symbolic link');
    await writePrivateFileBeside(path, bytes, true, async (temporary) => {
      await assertAllowed?.();
      await rename(temporary, path);
    });
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
