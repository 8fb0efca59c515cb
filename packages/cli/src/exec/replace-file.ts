import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file by one with `text` in it, for its owner only, as one step.
 *
 * @param id in the name of the file that takes its place, until it does.
 * @throws the file system's error; then the file is as it was.
 */
export function replaceFile(path: string, text: string, id: string): void {
  const next = `${path}.${id}.tmp`;
  try {
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' });
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}
