import type { FileHandle } from 'node:fs/promises';
import type { RecordSeal } from '@kilometers/auth';
import { openIfThere } from './open-if-there.js';
import { countIn, GROUP_HEAD_BYTES, groupEnd, openGroup, type SegmentRecord } from './record-group.js';
import { parseSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentPurpose } from './segment-format.js';
import type { SegmentKeys } from './segment-keys.js';
import type { RecordPosition } from './segment-writer.js';

const CHUNK_BYTES = 32 * 1024;

/**
 * A segment that gives no records: not there (any more), not begun, of a newer version, sealed with a key that is not here,
 * or poisoned for good.
 */
export type UnreadableSegment = {
  readonly kind: 'absent' | 'short' | 'newer' | 'foreign' | 'poisoned';
  readonly why: string;
};

/** One record, and where the next one begins. */
export type ReadRecord = SegmentRecord & { readonly end: RecordPosition };

/** A group that was opened, or did not open. */
type OpenedGroup = {
  /** None where it did not open. */
  readonly records: readonly SegmentRecord[];
  /** How many there are, or should be. */
  readonly count: number;
  readonly end: number;
};

export const FIRST_RECORD: RecordPosition = { offset: SEGMENT_HEADER_BYTES, number: 0, within: 0 };

/**
 * Reads the records of a segment in order, while its owner may be appending. A group that does not open is
 * left out, and `damage` says why; those after it are read all the same.
 */
export class SegmentReader {
  readonly #handle: FileHandle;
  readonly #seal: RecordSeal;
  /** Bytes that were read ahead, and where in the file they are. */
  #ahead: { readonly bytes: Buffer; readonly at: number } = { bytes: Buffer.alloc(0), at: 0 };
  #position = FIRST_RECORD;
  /** The group that the next record is in, once it was opened. */
  #group: OpenedGroup | undefined;
  #damage: string | undefined;

  private constructor(handle: FileHandle, seal: RecordSeal) {
    this.#handle = handle;
    this.#seal = seal;
  }

  /**
   * Opens a segment at its first record. Fails as the file system does.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
   */
  static async open(
    path: string,
    purpose: SegmentPurpose,
    keys: SegmentKeys,
  ): Promise<SegmentReader | UnreadableSegment> {
    const handle = await openIfThere(path, 'r');
    if (handle === undefined) return { kind: 'absent', why: 'it is not there' };
    let reader: SegmentReader | undefined;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, undefined, 0);
      const header = parseSegmentHeader(buffer.subarray(0, bytesRead));
      if (header.kind === 'short') return { kind: 'short', why: 'it is cut off' };
      if (header.kind === 'newer') return { kind: 'newer', why: 'a newer version wrote it' };
      if (header.kind === 'damaged') return { kind: 'poisoned', why: 'it is damaged' };
      const sealer = await keys.find(header.keyId);
      if (sealer === undefined) return { kind: 'foreign', why: 'it was sealed with another key' };
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
    if (position.offset !== this.#position.offset) this.#group = undefined;
    this.#position = position;
  }

  /** The next record; `undefined` at the end of what is there. */
  async next(): Promise<ReadRecord | undefined> {
    for (;;) {
      const { offset, number, within } = this.#position;
      const group = (this.#group ??= await this.#openGroupAt(offset, number - within));
      if (group === undefined) return undefined;
      const record = group.records[within];
      const isLast = within + 1 >= group.records.length;
      this.#position = isLast
        ? { offset: group.end, number: number - within + group.count, within: 0 }
        : { offset, number: number + 1, within: within + 1 };
      if (isLast) this.#group = undefined;
      if (record !== undefined) return { ...record, end: this.#position };
    }
  }

  /** Bytes behind the last whole group: of one that is being written, or that was cut off. */
  async trailingBytes(): Promise<number> {
    const { size } = await this.#handle.stat();
    return Math.max(0, size - this.#position.offset);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** The group at `offset`, whose first record has this number; `undefined` where it is not all there. */
  async #openGroupAt(offset: number, number: number): Promise<OpenedGroup | undefined> {
    const length = groupEnd(await this.#bytesAt(offset, GROUP_HEAD_BYTES), 0);
    if (length === 'short') return undefined;
    if (length === 'damaged') {
      this.#damage = 'a part of it was changed, and what follows cannot be told apart';
      return undefined;
    }
    const bytes = await this.#bytesAt(offset, length);
    if (bytes.length < length) return undefined;
    const group = bytes.subarray(0, length);
    const records = openGroup(this.#seal, number, group) ?? [];
    if (records.length !== countIn(group)) this.#damage = 'a part of it was changed';
    return { records, count: records.length || countIn(group), end: offset + length };
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
