import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ensurePrivateFolder } from './private-folder.js';
import { readAt, readPrivateFile, type Repair } from './read-private-file.js';
import { loadWriting } from './writing.js';

/**
 * What the keyring gave, in a folder in memory that ends with the session. What is wrong with it costs no more than that the
 * keyring is asked again.
 */
export class SessionCopy {
  /** Of the session: only whoever begins that makes it, and a path that is not absolute is none. */
  readonly #above: string | undefined;

  /** @param above `XDG_RUNTIME_DIR`, where it is set. */
  constructor(above: string | undefined) {
    this.#above = above !== undefined && isAbsolute(above) ? above : undefined;
  }

  /** The secret of this name; `undefined` where there is none, or not all of it, or another could have put it there. */
  read(name: string, lengthBytes: number, onRepair: Repair): Buffer | undefined {
    if (this.#above === undefined) return undefined;
    try {
      const path = join(this.#above, 'kilometers', name);
      const kept = readPrivateFile(path, onRepair, (fd) => readAt(fd, 0, lengthBytes));
      return kept?.length === lengthBytes ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  async keep(name: string, secret: Buffer): Promise<void> {
    if (this.#above === undefined || !existsSync(this.#above)) return;
    const folder = join(this.#above, 'kilometers');
    try {
      const { replacePrivateFile } = await loadWriting();
      ensurePrivateFolder(folder);
      await replacePrivateFile(join(folder, name), secret);
    } catch {
      // The next process asks the keyring as this one did.
    }
  }
}
