import { statSync } from 'node:fs';
import type { CacheNoticeListener } from '../../cache-notice.js';
import { readAt, readPrivateFile } from './read-private-file.js';
import {
  FORMAT_VERSION,
  HEADER_BYTES,
  entriesOf,
  findEntry,
  indexEnd,
  isSealedBy,
  isSealWhole,
  openRecord,
  readHeader,
  recordsIn,
  type IndexEntry,
  type SealedRecord,
} from './sealed-format.js';
import { newerVersion } from './storage-error.js';

/** What is read at once: all of a few grants, or header and index of almost three hundred. */
const FIRST_READ_BYTES = 16_384;

/** A file, or a record, that does not open with this key, and why. */
export type Unopened = {
  readonly why: string;
  /** Whether nothing shows that it is damaged: it opens with another key. */
  readonly isOfAnotherKey?: boolean;
};

/** A file whose seal holds: its beginning, where header and index end in that, and the size of the whole. */
type Opened = { readonly bytes: Buffer; readonly end: number; readonly size: number };

/** What of a file opens, and what is wrong with the rest, where something is. */
export type WholeRecords = Partial<Unopened> & {
  readonly whole: readonly { readonly record: SealedRecord; readonly plaintext: Buffer }[];
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

  /** What differs after every change of the file. */
  state(): string {
    const { ino, mtimeMs, size } = statSync(this.path, { throwIfNoEntry: false }) ?? {};
    return `${String(ino)}/${String(mtimeMs)}/${String(size)}`;
  }

  /**
   * The record with this id; `undefined` when there is none. Takes no lock: a file is replaced as one, so what
   * is read is whole.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the file may not be used, or a newer version wrote it.
   */
  look(key: Buffer, id: Buffer): Buffer | Unopened | undefined {
    return this.#use((fd, size) => {
      const opened = this.#open(fd, size, key);
      if ('why' in opened) return opened;
      const entry = findEntry(opened.bytes, opened.end, id);
      if (entry === undefined) return undefined;
      const record = this.#recordAt(fd, opened, entry);
      return (record === undefined ? undefined : openRecord(key, record)) ?? { why: 'a record was changed' };
    });
  }

  /** The records that open, each with its plaintext; `why` tells that the file is not whole. */
  lookAtAll(key: Buffer): WholeRecords {
    const read = this.#use((fd, size): WholeRecords => {
      const opened = this.#open(fd, size, key);
      if ('why' in opened) return { whole: [], ...opened };
      const records = entriesOf(opened.bytes, opened.end).map((entry) => this.#recordAt(fd, opened, entry));
      const present = records.filter((record) => record !== undefined);
      const whole = present.flatMap((record) => {
        const plaintext = openRecord(key, record);
        return plaintext === undefined ? [] : [{ record, plaintext }];
      });
      if (present.length < records.length) return { whole, why: 'it is cut off' };
      return whole.length < present.length ? { whole, why: 'a record was changed' } : { whole };
    });
    return read ?? { whole: [] };
  }

  /** Tells, once, that the file does not open. */
  tellCorrupt(message: string): void {
    if (this.#hasToldCorrupt) return;
    this.#hasToldCorrupt = true;
    this.#tell({ kind: 'corrupt', message });
  }

  /** Tells that the file was moved aside. */
  tellAside(aside: string, why: string): void {
    this.#hasToldCorrupt = false;
    this.tellCorrupt(`${this.path} did not open (${why}): it was moved to ${aside}`);
  }

  #use<T>(use: (fd: number, size: number) => T): T | undefined {
    const tellRepair = (message: string): void => {
      this.#tell({ kind: 'repaired', message });
    };
    return readPrivateFile(this.path, tellRepair, (fd, stats) => use(fd, stats.size));
  }

  #open(fd: number, size: number, key: Buffer): Opened | Unopened {
    let bytes = readAt(fd, 0, Math.min(size, FIRST_READ_BYTES));
    if (!isSealedBy(key, bytes)) return this.#otherwise(bytes);
    const end = indexEnd(recordsIn(bytes));
    if (end === undefined || end > size) return { why: 'it is cut off' };
    if (end > bytes.length) bytes = readAt(fd, 0, end);
    return isSealWhole(key, bytes, end) ? { bytes, end, size } : { why: 'it was changed' };
  }

  /** What a file is that does not begin as ours do. */
  #otherwise(bytes: Buffer): Unopened {
    const header = readHeader(bytes);
    if (header === undefined) return { why: 'it is damaged' };
    if (header.version !== FORMAT_VERSION) throw newerVersion(this.path, header.version);
    return {
      why: 'it was sealed with another key, on another machine or by another user',
      isOfAnotherKey: true,
    };
  }

  #recordAt(fd: number, { bytes, size }: Opened, entry: IndexEntry): SealedRecord | undefined {
    const { offset, length } = entry;
    if (offset < HEADER_BYTES || offset + length > size) return undefined;
    const isAtHand = offset + length <= bytes.length;
    return {
      ...entry,
      ciphertext: isAtHand ? bytes.subarray(offset, offset + length) : readAt(fd, offset, length),
    };
  }
}
