import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { livenessOf, parseIdentity, type ProcessIdentity } from '@kilometers/auth';
import { createFile, replaceFile } from './replace-file.js';

const HEADING = 'km auth exec --token-file: digests of what it wrote last, to know it again';
const TEXT = new RegExp(`^${HEADING}\n((?:[0-9a-f]{64}\n){0,2})(\\{.*\\}\n)?$`);
const MAX_BYTES = 1_024;

/** What a mark says: what was written last, and by which process; an earlier `km` did not say that. */
type Mark = { readonly digests: readonly string[]; readonly owner: ProcessIdentity | undefined };

/**
 * Beside a file with a token, what tells that `km` wrote it, and which: a `km` that is killed leaves the file, and nothing in
 * a token says whose it is.
 */
export class TokenMark {
  readonly #path: string;
  readonly #fileWithToken: string;
  readonly #createId: () => string;
  readonly #self: ProcessIdentity;
  #digests: readonly string[] = [];
  /** Whether there was a mark when it was last looked for. */
  #isThere = false;

  /** @param self who marks. */
  constructor(fileWithToken: string, createId: () => string, self: ProcessIdentity) {
    this.#path = `${fileWithToken}.km-mark`;
    this.#fileWithToken = fileWithToken;
    this.#createId = createId;
    this.#self = self;
  }

  /**
   * Looks for the other `km` that uses the file now; `undefined` where none does.
   *
   * @throws {Error} where something else stands in the mark's place.
   */
  user(): ProcessIdentity | undefined {
    const mark = markAt(this.#path);
    this.#isThere = mark !== undefined;
    if (mark === undefined || this.#isSelf(mark.owner)) return undefined;
    if (mark.owner !== undefined && livenessOf(mark.owner) === 'alive') return mark.owner;
    this.#digests = mark.digests;
    return undefined;
  }

  /** Whether another `km` has marked the file since. */
  isOfAnother(): boolean {
    const mark = this.#read();
    return mark !== undefined && !this.#isSelf(mark.owner);
  }

  /** Whether `text` is what `km` wrote last, or was about to write. */
  isOf(text: string): boolean {
    return this.#digests.includes(digestOf(text));
  }

  /**
   * Says that this process is about to write `text`. What stands there until then is still known.
   *
   * @throws the file system's error, `EEXIST` where another `km` was faster.
   */
  announce(text: string): void {
    const digests = [...this.#standing(), digestOf(text)];
    const lines = [HEADING, ...digests, JSON.stringify(this.#self)].map((line) => `${line}\n`).join('');
    // What came since it was looked for is of one that began at the same time.
    const put = this.#isThere ? replaceFile : createFile;
    put(this.#path, lines, this.#createId());
    this.#isThere = true;
    this.#digests = digests;
  }

  /** Removes what is of this process. */
  remove(): void {
    if (this.#isSelf(this.#read()?.owner)) rmSync(this.#path, { force: true });
  }

  /** The mark; `undefined` as well where something else has taken its place. */
  #read(): Mark | undefined {
    try {
      return markAt(this.#path);
    } catch {
      return undefined;
    }
  }

  #isSelf(owner: ProcessIdentity | undefined): boolean {
    return owner !== undefined && JSON.stringify(owner) === JSON.stringify(this.#self);
  }

  /** One that was announced may never have been written: the disk may have been full. */
  #standing(): readonly string[] {
    try {
      const digest = digestOf(readFileSync(this.#fileWithToken, 'utf8'));
      return this.#digests.filter((each) => each === digest);
    } catch {
      return [];
    }
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function markAt(path: string): Mark | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const text = stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(path, 'utf8') : '';
  const [, digests, owner] = TEXT.exec(text) ?? [];
  if (digests === undefined) throw new Error(`${JSON.stringify(path)}, where km marks it, is there already`);
  return { digests: digests.split('\n').slice(0, -1), owner: identityIn(owner) };
}

function identityIn(line: string | undefined): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(line ?? ''));
  } catch {
    return undefined;
  }
}
