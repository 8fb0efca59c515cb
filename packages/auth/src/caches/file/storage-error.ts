import { AuthError } from '../../auth-error.js';

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

/** Why a file or folder of another user, or a link, is not used. */
export function refuse(path: string, why: string): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    `${path} ${why}; it is not used: remove it, or give it back to its user`,
  );
}

/** A file whose format this version does not know. It may hold what cannot be had again. */
export function newerVersion(path: string, version: number): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    `${path} was written by a newer version (format ${String(version)}) and is left alone: update this program, or remove the file`,
  );
}
