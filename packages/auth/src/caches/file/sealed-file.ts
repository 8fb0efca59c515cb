import { rename } from 'node:fs/promises';
import type { CacheNoticeListener } from '../../cache-notice.js';
import { AuthError } from '../../auth-error.js';
import {
  asideName,
  errnoOf,
  readAt,
  readPrivateFile,
  replacePrivateFile,
  storageError,
  sweepTemporaries,
} from './safe-file.js';
import {
  FORMAT_VERSION,
  HEADER_BYTES,
  entriesOf,
  findEntry,
  indexEnd,
  isSealWhole,
  keyIdOf,
  openRecord,
  readHeader,
  sealFile,
  sealRecord,
  type IndexEntry,
  type SealedRecord,
} from './sealed-format.js';

/** What is read at once: header and index of almost three hundred grants. */
const FIRST_READ_BYTES = 16_384;

/** A file that cannot be opened with this key, and why. */
type Unopened = { readonly why: string };

/** A file whose seal holds: its header and index, where they end, and the size of the whole. */
type Opened = { readonly index: Buffer; readonly end: number; readonly size: number };

/** What of a file opens, and what is wrong with the rest. */
type WholeRecords = {
  readonly whole: readonly { readonly record: SealedRecord; readonly plaintext: Buffer }[];
  readonly damage: string | undefined;
};

/** A file of records, each sealed by itself, the whole replaced as one. */
export class SealedFile {
  readonly path: string;
  readonly #tell: CacheNoticeListener;
  #hasToldCorrupt = false;

  constructor(path: string, tell: CacheNoticeListener) {
    this.path = path;
    this.#tell = tell;
  }

  /**
   * The record with this id; `undefined` when there is none or the file does not open. Takes no lock: a
   * file is replaced as one, so what is read is whole.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the file may not be used, or a newer version wrote it.
   */
  read(key: Buffer, id: Buffer): Buffer | undefined {
    const found = this.#use((fd, size) => {
      const opened = this.#open(fd, size, key);
      if ('why' in opened) return opened;
      const entry = findEntry(opened.index, opened.end, id);
      if (entry === undefined) return undefined;
      const record = this.#recordAt(fd, opened, entry);
      return (record === undefined ? undefined : openRecord(key, record)) ?? { why: 'a record was changed' };
    });
    if (found === undefined || Buffer.isBuffer(found)) return found;
    this.#tellCorrupt(`${this.path} does not open (${found.why}): it counts as empty`);
    return undefined;
  }

  /** The plaintexts of all records that open. */
  readAll(key: Buffer): readonly Buffer[] {
    const { whole, damage } = this.#readRecords(key);
    if (damage !== undefined) this.#tellCorrupt(`${this.path} does not open whole (${damage})`);
    return whole.map(({ plaintext }) => plaintext);
  }

  /**
   * Replaces one record by what `change` makes of it; `undefined` removes it. What does not open is moved
   * aside first, and every record that does is kept. The caller holds the lock of the file.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written; then the file is as it was.
   */
  async update(
    key: Buffer,
    id: Buffer,
    nowMs: number,
    change: (plaintext: Buffer | undefined) => Buffer | undefined,
  ): Promise<void> {
    const { whole, damage } = this.#readRecords(key);
    if (damage !== undefined) await this.#moveAside(damage, nowMs);
    const before = whole.find(({ record }) => record.id.equals(id))?.plaintext;
    const after = change(before);
    const isSame = after === undefined ? before === undefined : before?.equals(after) === true;
    if (isSame && damage === undefined) return;
    const others = whole.map(({ record }) => record).filter((record) => !record.id.equals(id));
    const next = after === undefined ? others : [...others, sealRecord(key, id, after)];
    await replacePrivateFile(this.path, sealFile(key, next));
    await sweepTemporaries(this.path, nowMs);
  }

  #use<T>(use: (fd: number, size: number) => T): T | undefined {
    const tellRepair = (message: string): void => {
      this.#tell({ kind: 'repaired', message });
    };
    return readPrivateFile(this.path, tellRepair, (fd, stats) => use(fd, stats.size));
  }

  #open(fd: number, size: number, key: Buffer): Opened | Unopened {
    let bytes = readAt(fd, 0, FIRST_READ_BYTES);
    const header = readHeader(bytes);
    if (header === undefined) return { why: 'it is damaged' };
    if (header.version !== FORMAT_VERSION) throw this.#newerError(header.version);
    if (!header.keyId.equals(keyIdOf(key)))
      return { why: 'it was sealed with another key, on another machine or by another user' };
    const end = indexEnd(header);
    if (end === undefined || end > size) return { why: 'it is cut off' };
    if (end > bytes.length) bytes = readAt(fd, 0, end);
    return isSealWhole(key, bytes, end) ? { index: bytes, end, size } : { why: 'it was changed' };
  }

  #recordAt(fd: number, { size }: Opened, entry: IndexEntry): SealedRecord | undefined {
    if (entry.offset < HEADER_BYTES || entry.offset + entry.length > size) return undefined;
    return { ...entry, ciphertext: readAt(fd, entry.offset, entry.length) };
  }

  /** The records that open, each with its plaintext; `damage` tells that the file is not whole. */
  #readRecords(key: Buffer): WholeRecords {
    const read = this.#use((fd, size): WholeRecords => {
      const opened = this.#open(fd, size, key);
      if ('why' in opened) return { whole: [], damage: opened.why };
      const records = entriesOf(opened.index, opened.end).map((entry) => this.#recordAt(fd, opened, entry));
      const present = records.filter((record) => record !== undefined);
      const whole = present.flatMap((record) => {
        const plaintext = openRecord(key, record);
        return plaintext === undefined ? [] : [{ record, plaintext }];
      });
      if (present.length < records.length) return { whole, damage: 'it is cut off' };
      return { whole, damage: whole.length < present.length ? 'a record was changed' : undefined };
    });
    return read ?? { whole: [], damage: undefined };
  }

  async #moveAside(why: string, nowMs: number): Promise<void> {
    const aside = asideName(this.path, nowMs);
    try {
      await rename(this.path, aside);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw storageError('moved aside', this.path, error);
    }
    this.#hasToldCorrupt = false;
    this.#tellCorrupt(`${this.path} did not open (${why}): it was moved to ${aside}`);
  }

  #tellCorrupt(message: string): void {
    if (this.#hasToldCorrupt) return;
    this.#hasToldCorrupt = true;
    this.#tell({ kind: 'corrupt', message });
  }

  #newerError(version: number): AuthError {
    return new AuthError(
      'KM_AUTH_CACHE',
      `${this.path} was written by a newer version (format ${String(version)}) and is left alone: update this program, or remove the file`,
    );
  }
}
