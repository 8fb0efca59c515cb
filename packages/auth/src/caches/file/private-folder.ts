import { chmodSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { AuthError } from '../../auth-error.js';
import type { Repair } from './read-private-file.js';
import { errnoOf, refuse, storageError } from './storage-error.js';
import { userId } from './user-id.js';

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

/** Refuses what is another user's; narrows a mode that lets others in. */
function narrow(path: string, { uid, mode }: Stats, onRepair: Repair): void {
  if (userId === undefined) return;
  if (uid !== userId) throw refuse(path, `belongs to user ${String(uid)}`);
  if ((mode & 0o077) === 0) return;
  chmodSync(path, 0o700);
  onRepair(`${path} could be entered by other users (mode ${(mode & 0o777).toString(8)}): it is 700 now`);
}

/**
 * Looks at a folder before what is in it is read. One that is not there is for who reads, and one that cannot be changed,
 * as on a read-only disk, stays as it is: each file is looked at as well.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it belongs to another user.
 */
export function inspectPrivateFolder(path: string, onRepair: Repair): void {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) narrow(path, stats, onRepair);
  } catch (error) {
    if (error instanceof AuthError) throw error;
  }
}

/**
 * Creates a folder that only its user can enter, where it is missing; one that others can enter is narrowed.
 *
 * @param onRepair is told, in words, when the folder was narrowed.
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be made, or belongs to another user.
 */
export function ensurePrivateFolder(
  path: string,
  onRepair: (message: string) => void = () => undefined,
): void {
  try {
    let stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      makeFolders(path);
      stats = statSync(path);
    }
    if (!stats.isDirectory()) throw refuse(path, 'is not a folder');
    narrow(path, stats, onRepair);
  } catch (error) {
    throw error instanceof AuthError ? error : storageError('written', path, error);
  }
}

/**
 * Creates a folder that only its user can enter, where it is missing; one that others can enter is narrowed.
 *
 * @throws {AuthError} as a rejection: `KM_AUTH_CACHE` when it cannot be made, or belongs to another user.
 */
export async function makePrivateFolder(path: string): Promise<void> {
  ensurePrivateFolder(path);
}
