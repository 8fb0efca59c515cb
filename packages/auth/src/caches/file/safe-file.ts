import { constants, lstatSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuthError } from '../../auth-error.js';
import { renameFile } from './rename-file.js';
import { refuse, storageError } from './storage-error.js';
import { temporaryName } from './temporary-file.js';

/** Puts what was written or renamed in `folder` on the disk. Some file systems cannot: then it is their promise. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Writes a private file beside `path`, on the disk when this resolves, and hands its name to `place`, which links or
 * renames it.
 */
export async function writePrivateFileBeside(
  path: string,
  bytes: Buffer,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * Replaces a private file as one step: a reader sees the old one or the new one, whole, whatever happens.
 *
 * @param assertAllowed asked when all is written and nothing is replaced yet, before each try: it throws where it must not be.
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
    await writePrivateFileBeside(path, bytes, (temporary) => renameFile(temporary, path, assertAllowed));
  } catch (error) {
    throw error instanceof AuthError ? error : storageError('written', path, error);
  }
}

/** Where a file that does not open is moved, so that nothing of it is lost. */
export function asideName(path: string, nowMs: number): string {
  return `${path}.corrupt-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`;
}
