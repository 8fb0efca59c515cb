import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import type { AuthToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { replaceFile } from './replace-file.js';
import { TokenMark } from './token-mark.js';

/** No token is longer. */
const MAX_BYTES = 64 * 1024;

/** A file with the token in it, and nothing else, for its owner only. Readers see the old one or the new one. */
export class TokenFile {
  readonly #path: string;
  readonly #createId: () => string;
  readonly #mark: TokenMark;
  #inode: number | undefined;

  /**
   * @throws {CliError} when there is something at `path` that no earlier `km` wrote: it would be replaced, and removed at
   *   the end.
   */
  constructor(path: string, createId: () => string) {
    this.#path = path;
    this.#createId = createId;
    this.#mark = this.#openMark();
    if (!mayBeReplaced(path, this.#mark)) {
      throw this.#failure('is there already, and is no token that km left: name another file, or remove it');
    }
  }

  /**
   * @throws {CliError} when it cannot be written.
   */
  write(token: AuthToken): void {
    const id = this.#createId();
    try {
      this.#mark.announce(token.reveal());
      // Without a new line: there are readers that take the file as it is.
      replaceFile(this.#path, token.reveal(), id);
      this.#inode = lstatSync(this.#path).ino;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#failure(`cannot be written: ${why}`, error);
    }
  }

  /** Removes the file, unless another has taken its place. */
  remove(): void {
    try {
      if (lstatSync(this.#path).ino === this.#inode) {
        unlinkSync(this.#path);
        // Last: who is killed before it leaves a mark without a token, which is in nobody's way.
        this.#mark.remove();
      }
    } catch {
      // It is gone already, or its folder is.
    }
    this.#inode = undefined;
  }

  #openMark(): TokenMark {
    try {
      return new TokenMark(this.#path, this.#createId);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#failure(`cannot be used: ${why}: name another file, or remove that`, error);
    }
  }

  #failure(what: string, cause?: unknown): CliError {
    return new CliError(`--token-file ${JSON.stringify(this.#path)} ${what}`, {
      exitCode: EXIT.failed,
      cause,
    });
  }
}

/** An empty file, as `mktemp` makes it, and a token that an earlier `km` left when it was killed. */
function mayBeReplaced(path: string, mark: TokenMark): boolean {
  try {
    const stats = lstatSync(path);
    if (!stats.isFile() || (stats.mode & 0o077) !== 0 || stats.size > MAX_BYTES) return false;
    return stats.size === 0 || mark.isOf(readFileSync(path, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
