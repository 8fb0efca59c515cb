import { open, type FileHandle } from 'node:fs/promises';

/** Opens a file to write into it as it is; `undefined` where there is none. Fails as the file system does. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
