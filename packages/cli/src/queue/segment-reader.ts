import { open, type FileHandle } from 'node:fs/promises';
import type { RecordSeal } from '@kilometers/auth';
import {
  LENGTH_BYTES,
  parseSegmentHeader,
  recordEnd,
  SEGMENT_HEADER_BYTES,
  type SegmentPurpose,
} from './segment-format.js';
import type { SegmentKeys } from './segment-keys.js';
import type { RecordPosition } from './segment-writer.js';

const CHUNK_BYTES = 32 * 1024;

/** A segment that gives no records: not there (any more), not begun, of a newer version, or poisoned for good. */
export type UnreadableSegment = {
  readonly kind: 'absent' | 'short' | 'newer' | 'poisoned';
  readonly why: string;
};

/** One record, and where the next one begins. */
export type ReadRecord = { readonly plaintext: Buffer; readonly end: RecordPosition };

/**
 * Reads the records of a segment in order, while its owner may be appending. A record that does not open is
 * left out, and `damage` says why; those after it are read all the same.
 */
export class SegmentReader {
  readonly #handle: FileHandle;
  readonly #seal: RecordSeal;
  /** Bytes that were read ahead, and where in the file they are. */
  #ahead: { readonly bytes: Buffer; readonly at: number } = { bytes: Buffer.alloc(0), at: 0 };
  #position: RecordPosition = { offset: SEGMENT_HEADER_BYTES, number: 0 };
  #damage: string | undefined;

  private constructor(handle: FileHandle, seal: RecordSeal) {
    this.#handle = handle;
    this.#seal = seal;
  }

  /**
   * Opens a segment at its first record.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
   */
  static async open(
    path: string,
    purpose: SegmentPurpose,
    keys: SegmentKeys,
  ): Promise<SegmentReader | UnreadableSegment> {
    const handle = await open(path, 'r').catch(() => undefined);
    if (handle === undefined) return { kind: 'absent', why: 'it is not there' };
    let reader: SegmentReader | undefined;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, undefined, 0);
      const header = parseSegmentHeader(buffer.subarray(0, bytesRead));
      if (header.kind === 'short') return { kind: 'short', why: 'it is cut off' };
      if (header.kind === 'newer') return { kind: 'newer', why: 'a newer version wrote it' };
      if (header.kind === 'damaged') return { kind: 'poisoned', why: 'it is damaged' };
      const sealer = await keys.find(header.keyId);
      if (sealer === undefined) return { kind: 'poisoned', why: 'it was sealed with another key' };
      reader = new SegmentReader(handle, sealer.sealFor(purpose, header.salt));
      return reader;
    } finally {
      if (reader === undefined) await handle.close();
    }
  }

  /** Where the next record begins. */
  get position(): RecordPosition {
    return this.#position;
  }

  /** What did not open so far. */
  get damage(): string | undefined {
    return this.#damage;
  }

  /** Goes on from `position`, where a record ended. */
  skipTo(position: RecordPosition): void {
    this.#position = position;
  }

  /** The next record; `undefined` at the end of what is there. */
  async next(): Promise<ReadRecord | undefined> {
    for (;;) {
      const { offset, number } = this.#position;
      const bytes = await this.#bytesOfRecord(offset);
      if (bytes === undefined) return undefined;
      this.#position = { offset: offset + bytes.length, number: number + 1 };
      const plaintext = this.#seal.open(number, bytes.subarray(LENGTH_BYTES));
      if (plaintext !== undefined) return { plaintext, end: this.#position };
      this.#damage = 'a part of it was changed';
    }
  }

  /** Bytes behind the last whole record: of one that is being written, or that was cut off. */
  async trailingBytes(): Promise<number> {
    const { size } = await this.#handle.stat();
    return Math.max(0, size - this.#position.offset);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  async #bytesOfRecord(offset: number): Promise<Buffer | undefined> {
    const start = await this.#bytesAt(offset, LENGTH_BYTES);
    const end = recordEnd(start, 0);
    if (end === 'short') return undefined;
    if (end === 'damaged') {
      this.#damage = 'a part of it was changed, and what follows cannot be told apart';
      return undefined;
    }
    const bytes = await this.#bytesAt(offset, end);
    return bytes.length < end ? undefined : bytes.subarray(0, end);
  }

  /** At least `length` bytes from `offset`, where there are so many. */
  async #bytesAt(offset: number, length: number): Promise<Buffer> {
    const from = offset - this.#ahead.at;
    if (from >= 0 && from + length <= this.#ahead.bytes.length) return this.#ahead.bytes.subarray(from);
    // What no record can have is not made room for.
    const { size } = await this.#handle.stat();
    const wanted = Math.max(0, Math.min(Math.max(length, CHUNK_BYTES), size - offset));
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(wanted), 0, wanted, offset);
    this.#ahead = { bytes: buffer.subarray(0, bytesRead), at: offset };
    return this.#ahead.bytes;
  }
}
