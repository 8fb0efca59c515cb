import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file by one with `text` in it, for its owner only, as one step.
 *
 * @param id in the name of the file that takes its place, until it does.
 * @throws the file system's error; then the file is as it was.
 */
export function replaceFile(path: string, text: string, id: string): void {
  putInPlace(path, text, id, renameSync);
}

/**
 * As {@link replaceFile}, where no file is: of two processes that do it at once, one fails with `EEXIST`. On a file system
 * without hard links both may succeed.
 */
export function createFile(path: string, text: string, id: string): void {
  putInPlace(path, text, id, (next) => {
    try {
      linkSync(next, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
      renameSync(next, path);
    }
  });
}

function putInPlace(path: string, text: string, id: string, put: (next: string, path: string) => void): void {
  const next = `${path}.${id}.tmp`;
  try {
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' });
    put(next, path);
  } finally {
    rmSync(next, { force: true });
  }
}
