import { closeSync, constants, fchmodSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { AuthError } from '../../auth-error.js';
import { errnoOf, refuse, storageError } from './storage-error.js';
import { userId } from './user-id.js';

/** What was put right on the way. */
export type Repair = (message: string) => void;

/** Refuses what another user could have put there; narrows a mode that lets others in. */
function inspect(fd: number, path: string, onRepair: Repair): Stats {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw refuse(path, 'is not a file');
  if (userId === undefined) return stats;
  if (stats.uid !== userId)
    throw refuse(path, `belongs to user ${String(stats.uid)}, not to user ${String(userId)}`);
  if (letsOthersIn(stats)) narrow(fd, path, onRepair, (stats.mode & 0o777).toString(8));
  return stats;
}

function letsOthersIn({ mode }: Stats): boolean {
  return (mode & 0o077) !== 0;
}

/** What stays open to others, whatever is done: it is told once. */
const toldOpen = new Set<string>();

function narrow(fd: number, path: string, onRepair: Repair, mode: string): void {
  try {
    fchmodSync(fd, 0o600);
  } catch (error) {
    throw storageError('narrowed to mode 600', path, error);
  }
  // Some have no modes of their own, as a disk of Windows under WSL.
  if (!letsOthersIn(fstatSync(fd)))
    onRepair(`${path} could be read by other users (mode ${mode}): it is 600 now`);
  else if (!toldOpen.has(path)) {
    toldOpen.add(path);
    onRepair(
      `${path} can be read by other users (mode ${mode}), which its file system does not let us change: keep it on another`,
    );
  }
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
    // Never waits: a pipe in its place would, for ever, and no signal would end that.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw refuse(path, 'is a symbolic link');
    // A socket can be opened by nobody.
    if (code === 'ENXIO') throw refuse(path, 'is not a file');
    throw storageError('read', path, error);
  }
  try {
    return use(fd, inspect(fd, path, onRepair));
  } catch (error) {
    throw error instanceof AuthError || errnoOf(error) === undefined
      ? error
      : storageError('read', path, error);
  } finally {
    closeSync(fd);
  }
}

/** Up to `length` bytes from `position`; fewer at the end of the file. */
export function readAt(fd: number, position: number, length: number): Buffer {
  // What is not filled is not handed out.
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
