import type { Clock } from '@kilometers/auth';
import { SEALED_OVERHEAD_BYTES } from './segment-format.js';
import type { SegmentKeys } from './segment-keys.js';
import { SegmentWriter, type RecordPosition } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** A segment that is older is followed by another, so that old events can be given up without new ones. */
const MAX_SEGMENT_AGE_MS = 3_600_000;

/** Where events are written, and whose they are. */
export type JournalPlace = { readonly folder: string; readonly account: QueueAccount };

/** Where a record is on the disk. */
export type WrittenRecord = { readonly segment: string; readonly end: RecordPosition };

export type JournalSegmentsOptions = {
  readonly clock: Clock;
  readonly keys: SegmentKeys | undefined;
  readonly maxSegmentBytes: number;
  /** Makes room for that many bytes more; `false` where there never is so much. */
  readonly makeRoom: (bytes: number) => Promise<boolean>;
};

/** The segments that a process begins, one after the other: each is closed when it is large or old enough. */
export class JournalSegments {
  readonly #options: JournalSegmentsOptions;
  readonly #names = new Set<string>();
  #writer: SegmentWriter | undefined;

  constructor(options: JournalSegmentsOptions) {
    this.#options = options;
  }

  /** Names of all that were begun. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Writes records; resolves with where each is: `undefined` for one that is too large for the queue. */
  async append(
    place: JournalPlace,
    plaintexts: readonly Buffer[],
  ): Promise<readonly (WrittenRecord | undefined)[]> {
    const written: (WrittenRecord | undefined)[] = [];
    for (const part of this.#parts(plaintexts)) written.push(...(await this.#appendPart(place, part)));
    return written;
  }

  /** As {@link append}, for a process that is about to end; only where a segment is begun. */
  appendSync(plaintexts: readonly Buffer[]): void {
    this.#writer?.appendSync(plaintexts);
  }

  /** Says that the segment is complete. */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }

  /** Closes the segment; those that were begun are those of others from now on. */
  async leave(): Promise<void> {
    await this.close();
    this.#names.clear();
  }

  /** In parts that each fit into a segment: a part is a record at least. */
  *#parts(plaintexts: readonly Buffer[]): Generator<readonly Buffer[]> {
    let part: Buffer[] = [];
    let bytes = 0;
    for (const plaintext of plaintexts) {
      if (part.length > 0 && bytes + sealedSize([plaintext]) > this.#options.maxSegmentBytes) {
        yield part;
        part = [];
        bytes = 0;
      }
      part.push(plaintext);
      bytes += sealedSize([plaintext]);
    }
    if (part.length > 0) yield part;
  }

  async #appendPart(
    place: JournalPlace,
    plaintexts: readonly Buffer[],
  ): Promise<readonly (WrittenRecord | undefined)[]> {
    const { maxSegmentBytes, clock, makeRoom } = this.#options;
    const bytes = sealedSize(plaintexts);
    const begun = this.#writer;
    const isOver =
      begun !== undefined &&
      (begun.bytes + bytes > maxSegmentBytes || clock.nowMs() - begun.file.begunAtMs > MAX_SEGMENT_AGE_MS);
    if (isOver) await this.close();
    if (!(await makeRoom(bytes))) return plaintexts.map(() => undefined);
    const writer = (this.#writer ??= await this.#begin(place));
    const ends = await writer.append(plaintexts);
    // Others may have written into the same room.
    await makeRoom(0);
    if (await writer.isInPlace()) return ends.map((end) => ({ segment: writer.file.name, end }));
    // Somebody was through with it, and may have seen nothing of this.
    await this.close();
    const next = (this.#writer = await this.#begin(place));
    return (await next.append(plaintexts)).map((end) => ({ segment: next.file.name, end }));
  }

  async #begin({ folder, account }: JournalPlace): Promise<SegmentWriter> {
    const { keys, clock } = this.#options;
    if (keys === undefined) throw new Error('unreachable: there is no folder without a key');
    const writer = await SegmentWriter.create({
      folder,
      sealer: await keys.current(),
      purpose: 'queue of events',
      description: { kind: 'events', ...account },
      clock,
    });
    this.#names.add(writer.file.name);
    return writer;
  }
}

function sealedSize(plaintexts: readonly Buffer[]): number {
  return plaintexts.reduce((bytes, { length }) => bytes + length + SEALED_OVERHEAD_BYTES, 0);
}
