import { open, type FileHandle } from 'node:fs/promises';

/** Opens a file as it is, to write into it unless told; `undefined` where there is none. Fails as the file system does. */
export async function openIfThere(path: string, flags: 'r' | 'r+' = 'r+'): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
