import { lstatSync, readFileSync, rmSync, type Stats } from 'node:fs';
import { ownIdentity, type AuthToken, type ProcessIdentity } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { messageOf } from '../message-of.js';
import { replaceFile } from './replace-file.js';
import { TokenMark } from './token-mark.js';

/** No token is longer. */
const MAX_BYTES = 64 * 1024;

/** A file with the token in it, and nothing else, for its owner only. Readers see the old one or the new one. */
export class TokenFile {
  readonly #path: string;
  readonly #context: Pick<CommandContext, 'createId' | 'tell'>;
  readonly #mark: TokenMark;
  #hasBegun = false;

  /**
   * @param self who writes it.
   * @throws {CliError} when another `km` uses the file, and when there is something at `path` that no earlier `km` wrote: it
   *   would be replaced, and removed at the end.
   */
  constructor(
    path: string,
    context: Pick<CommandContext, 'createId' | 'tell'>,
    self: ProcessIdentity = ownIdentity(),
  ) {
    this.#path = path;
    this.#context = context;
    this.#mark = new TokenMark(path, context.createId, self);
    this.#assertUnused();
    // One that others may read is not as km leaves it.
    if (!this.#mayBeReplaced(({ mode }) => (mode & 0o077) === 0))
      throw this.#failure('is there already, and is no token that km left: name another file, or remove it');
  }

  /**
   * @throws {CliError} when it cannot be written, another `km` has taken it, or somebody has put something else in its place.
   */
  write(token: AuthToken): void {
    this.#assertUnused();
    if (!this.#mayBeReplaced())
      throw this.#failure(
        'is not what km wrote any more, and is left as it is: remove it to have tokens there',
      );
    const id = this.#context.createId();
    this.#hasBegun = true;
    try {
      this.#mark.announce(token.reveal());
      // Without a new line: there are readers that take the file as it is.
      replaceFile(this.#path, token.reveal(), id);
    } catch (error) {
      // One that began at the same time was faster.
      this.#assertUnused();
      throw this.#failure(`cannot be written: ${messageOf(error)}`, error);
    }
  }

  /** Removes the file, unless another `km` has taken it; what somebody has put in its place stays, and that is told. */
  remove(): void {
    if (!this.#hasBegun) return;
    this.#hasBegun = false;
    try {
      if (this.#mark.isOfAnother()) return;
      if (this.#mayBeReplaced()) rmSync(this.#path, { force: true });
      else this.#context.tell(`km: ${this.#named('is not what km wrote any more, and is left as it is')}`);
      // Last: who is killed before it leaves a mark without a token, which is in nobody's way.
      this.#mark.remove();
    } catch {
      // Its folder is gone, or is no longer this user's.
    }
  }

  /** Nothing, an empty file, as `mktemp` makes it, or a token that `km` wrote. */
  #mayBeReplaced(isAsLeft: (stats: Stats) => boolean = () => true): boolean {
    try {
      const stats = lstatSync(this.#path);
      if (!stats.isFile() || !isAsLeft(stats) || stats.size > MAX_BYTES) return false;
      return stats.size === 0 || this.#mark.isOf(readFileSync(this.#path, 'utf8'));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }

  #assertUnused(): void {
    let user: ProcessIdentity | undefined;
    try {
      user = this.#mark.user();
    } catch (error) {
      throw this.#failure(`cannot be used: ${messageOf(error)}: name another file, or remove that`, error);
    }
    if (user !== undefined)
      throw this.#failure(`is in use by another km (process ${user.pid}): name another file`);
  }

  #named(what: string): string {
    return `--token-file ${JSON.stringify(this.#path)} ${what}`;
  }

  #failure(what: string, cause?: unknown): CliError {
    return new CliError(this.#named(what), { exitCode: EXIT.failed, cause });
  }
}
