import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { replaceFile } from './replace-file.js';

const HEADING = 'km auth exec --token-file: digests of what it wrote last, to know it again';
const TEXT = new RegExp(`^${HEADING}\n(?:[0-9a-f]{64}\n){0,2}$`);
const MAX_BYTES = 1_024;

/**
 * Beside a file with a token, what tells that `km` wrote it: a `km` that is killed leaves the file, and nothing in a token
 * says whose it is.
 */
export class TokenMark {
  readonly #path: string;
  readonly #fileWithToken: string;
  readonly #createId: () => string;
  #digests: readonly string[];

  /** @throws {Error} where something else stands in its place. */
  constructor(fileWithToken: string, createId: () => string) {
    this.#path = `${fileWithToken}.km-mark`;
    this.#fileWithToken = fileWithToken;
    this.#createId = createId;
    this.#digests = digestsAt(this.#path);
  }

  /** Whether `text` is what `km` wrote last, or was about to write. */
  isOf(text: string): boolean {
    return this.#digests.includes(digestOf(text));
  }

  /** Says that `text` is about to be written. What stands there until then is still known. */
  announce(text: string): void {
    this.#digests = [...this.#standing(), digestOf(text)];
    const lines = [HEADING, ...this.#digests].map((line) => `${line}\n`);
    replaceFile(this.#path, lines.join(''), this.#createId());
  }

  remove(): void {
    rmSync(this.#path, { force: true });
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

function digestsAt(path: string): readonly string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  const text = stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(path, 'latin1') : '';
  if (!TEXT.test(text)) throw new Error(`${JSON.stringify(path)}, where km marks it, is there already`);
  return text.split('\n').slice(1, -1);
}
