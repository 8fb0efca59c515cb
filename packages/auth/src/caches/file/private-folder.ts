import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AuthError } from '../../auth-error.js';
import { errnoOf, refuse, storageError } from './storage-error.js';

/** Who we are to the file system: the user id, or `undefined` where there are none (Windows). */
const userId = process.getuid?.();

/**
 * Creates a folder and those above it, one at a time. The recursive `mkdir` says ENOENT on a read-only disk, and never
 * comes back from a file system that takes no folders, as `/proc`.
 */
function makeFolders(path: string): void {
  const above = dirname(path);
  if (above !== path && statSync(above, { throwIfNoEntry: false }) === undefined) makeFolders(above);
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    // Another process may have been faster.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** As {@link makePrivateFolder}, at once. @throws {AuthError} `KM_AUTH_CACHE` as that. */
export function ensurePrivateFolder(path: string): void {
  try {
    let stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      makeFolders(path);
      stats = statSync(path);
    }
    if (!stats.isDirectory()) throw refuse(path, 'is not a folder');
    if (userId === undefined) return;
    if (stats.uid !== userId) throw refuse(path, `belongs to user ${String(stats.uid)}`);
    if ((stats.mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    throw error instanceof AuthError ? error : storageError('written', path, error);
  }
}

/**
 * Creates a folder that only its user can enter, where it is missing; one that others can enter is narrowed.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be made, or belongs to another user.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  ensurePrivateFolder(path);
}
