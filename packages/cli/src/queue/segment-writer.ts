import { randomBytes } from 'node:crypto';
import { constants, writevSync } from 'node:fs';
import { open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { makePrivateFolder, type Clock, type RecordSeal, type RecordSealer } from '@kilometers/auth';
import { bytesIn, encodeGroup, inGroups, type SegmentRecord } from './record-group.js';
import { encodeSegmentHeader, SALT_BYTES, type SegmentPurpose } from './segment-format.js';
import { newSegmentName, segmentPath, type SegmentFile } from './segment-name.js';

export type NewSegment = {
  readonly folder: string;
  readonly sealer: RecordSealer;
  readonly purpose: SegmentPurpose;
  /** What the segment is for; its first record. */
  readonly description: object;
  readonly clock: Clock;
  readonly state?: 'open' | 'refused' | 'prelude';
};

/** What was appended is put on the disk at most this often. */
const SYNC_INTERVAL_MS = 200;

/** What a file system says that puts nothing on a disk when it is asked to. */
const CANNOT_SYNC: ReadonlySet<string> = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP']);

/** Where a record ends in its segment, and the next one begins. */
export type RecordPosition = {
  /** Of the group that the next one is in, in bytes. */
  readonly offset: number;
  /** How many records come before the next one, */
  readonly number: number;
  /** and how many of them are in its group. */
  readonly within: number;
};

const NOTHING = Buffer.alloc(0);

/** Appends to a segment of its own. After a failure it is used no more: what was written may be cut off. */
export class SegmentWriter {
  readonly file: SegmentFile;
  readonly #handle: FileHandle;
  readonly #seal: RecordSeal;
  readonly #clock: Clock;
  #offset = 0;
  /** Bytes that it has before anything was appended. */
  #emptyBytes = 0;
  #number = 0;
  #syncedAtMs = -SYNC_INTERVAL_MS;
  #cancelSync: (() => void) | undefined;
  /** Why the disk did not take what was appended: it says so once. */
  #syncError: Error | undefined;

  private constructor(file: SegmentFile, handle: FileHandle, seal: RecordSeal, clock: Clock) {
    this.file = file;
    this.#clock = clock;
    this.#handle = handle;
    this.#seal = seal;
  }

  /** Begins a segment; `file` is its name from the start. Fails as the file system does. */
  static async create(options: NewSegment): Promise<SegmentWriter> {
    const { folder, sealer, purpose, description, clock, state = 'open' } = options;
    await makePrivateFolder(folder);
    const begunAtMs = clock.nowMs();
    const file: SegmentFile = { folder, name: newSegmentName(begunAtMs), state, begunAtMs };
    const salt = randomBytes(SALT_BYTES);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
    const handle = await open(segmentPath(file), flags, 0o600);
    const writer = new SegmentWriter(file, handle, sealer.sealFor(purpose, salt), clock);
    try {
      const { pieces } = writer.#encode([{ head: JSON.stringify(description), body: NOTHING }]);
      await writer.#write([encodeSegmentHeader(sealer, salt), ...pieces]);
      writer.#emptyBytes = writer.#offset;
    } catch (error) {
      await handle.close();
      await unlink(segmentPath(file)).catch(() => undefined);
      throw error;
    }
    return writer;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#offset;
  }

  /** Appends records with one write; resolves with where each ends, when the kernel has them. The disk has them soon. */
  async append(records: readonly SegmentRecord[]): Promise<readonly RecordPosition[]> {
    const { pieces, positions } = this.#encode(records);
    await this.#write(pieces);
    this.#syncSoon();
    return positions;
  }

  /** As {@link append}, for a process that is about to end. */
  appendSync(records: readonly SegmentRecord[]): void {
    let { pieces } = this.#encode(records);
    this.#offset += bytesIn(pieces);
    while (pieces.length > 0) pieces = after(pieces, writevSync(this.#handle.fd, pieces));
  }

  /** Whether the segment is still where it was begun: a reader that was through with it, or a human, may have taken it. */
  async isInPlace(): Promise<boolean> {
    return stat(segmentPath(this.file)).then(
      () => true,
      () => false,
    );
  }

  /** Whether what was appended is on the disk still, wherever it was moved to. */
  async isKept(): Promise<boolean> {
    return this.#handle.stat().then(
      ({ nlink }) => nlink > 0,
      () => false,
    );
  }

  /** Says that nothing is appended any more. One to which nothing was is removed. */
  async close(): Promise<void> {
    if (this.#offset === this.#emptyBytes) return this.remove();
    this.#cancelSync?.();
    try {
      await this.#handle.datasync();
      const closed = segmentPath({ ...this.file, state: 'closed' });
      // It is gone where a reader was through with it.
      if (this.file.state === 'open') await rename(segmentPath(this.file), closed).catch(() => undefined);
    } finally {
      await this.#handle.close();
    }
  }

  /** Removes the segment: what it has is not needed any more. */
  async remove(): Promise<void> {
    this.#cancelSync?.();
    // It may have been moved to where its name here does not reach.
    await this.#handle.truncate(0).catch(() => undefined);
    await unlink(segmentPath(this.file)).catch(() => undefined);
    await this.#handle.close();
  }

  #encode(records: readonly SegmentRecord[]): {
    readonly pieces: readonly Buffer[];
    readonly positions: readonly RecordPosition[];
  } {
    const pieces: Buffer[] = [];
    const positions: RecordPosition[] = [];
    let offset = this.#offset;
    for (const members of inGroups(records)) {
      const group = encodeGroup(this.#seal, this.#number, members);
      pieces.push(...group);
      for (let within = 1; within < members.length; within += 1) {
        positions.push({ offset, number: this.#number + within, within });
      }
      offset += bytesIn(group);
      this.#number += members.length;
      positions.push({ offset, number: this.#number, within: 0 });
    }
    return { pieces, positions };
  }

  async #write(pieces: readonly Buffer[]): Promise<void> {
    if (this.#syncError !== undefined) throw this.#syncError;
    try {
      for (let rest = pieces; rest.length > 0;)
        rest = after(rest, (await this.#handle.writev(rest)).bytesWritten);
    } catch (error) {
      // A full disk takes a part of it: without that the segment is whole, and the part is no use.
      await this.#handle.truncate(this.#offset).catch(() => undefined);
      throw error;
    }
    this.#offset += bytesIn(pieces);
  }

  #syncSoon(): void {
    const waitMs = this.#syncedAtMs + SYNC_INTERVAL_MS - this.#clock.monotonicMs();
    this.#cancelSync ??= this.#clock.schedule(
      () => {
        this.#cancelSync = undefined;
        this.#syncedAtMs = this.#clock.monotonicMs();
        // Nobody waits for it: a disk that fails is told of at the next write.
        this.#handle.datasync().catch((error: unknown) => {
          const { code = '' } = error as NodeJS.ErrnoException;
          if (!CANNOT_SYNC.has(code)) this.#syncError = error as Error;
        });
      },
      Math.max(0, waitMs),
      false,
    );
  }
}

/** What is left of `pieces` after so many bytes of them. */
function after(pieces: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes;
  for (const [index, piece] of pieces.entries()) {
    if (piece.length > left) return [piece.subarray(left), ...pieces.slice(index + 1)];
    left -= piece.length;
  }
  return [];
}
