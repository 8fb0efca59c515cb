import { existsSync } from 'node:fs';
import type { Clock } from '@kilometers/auth';
import { beginEventSegment, type EventPlace } from './event-segment.js';
import { GROUP_OVERHEAD_BYTES, recordBytes, type SegmentRecord } from './record-group.js';
import type { SegmentKeys } from './segment-keys.js';
import { segmentPath } from './segment-name.js';
import type { RecordPosition, SegmentWriter } from './segment-writer.js';

/** A segment that is older is followed by another, so that old events can be given up without new ones. */
const MAX_SEGMENT_AGE_MS = 3_600_000;

/** Where a record is on the disk. */
export type WrittenRecord = { readonly segment: string; readonly end: RecordPosition };

export type JournalSegmentsOptions = {
  readonly clock: Clock;
  readonly keys: SegmentKeys | undefined;
  readonly maxSegmentBytes: number;
  /** Makes room for that many bytes more; `false` where there never is so much. */
  readonly makeRoom: (bytes: number) => Promise<boolean>;
};

/**
 * The segments that a process begins, one after the other: each is closed when it is large or old enough, or the next
 * record belongs to another folder.
 */
export class JournalSegments {
  readonly #options: JournalSegmentsOptions;
  readonly #names = new Set<string>();
  #begun = 0;
  #writer: SegmentWriter | undefined;

  constructor(options: JournalSegmentsOptions) {
    this.#options = options;
  }

  /** How many were begun. */
  get begun(): number {
    return this.#begun;
  }

  /** Names of those that were begun, until they are gone. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Writes records; resolves with where each is: `undefined` for one that is too large for the queue. */
  async append(
    place: EventPlace,
    records: readonly SegmentRecord[],
  ): Promise<readonly (WrittenRecord | undefined)[]> {
    const written: (WrittenRecord | undefined)[] = [];
    for (const part of this.#parts(records)) written.push(...(await this.#appendPart(place, part)));
    return written;
  }

  /** As {@link append}, for a process that is about to end; only where a segment is begun. */
  appendSync(records: readonly SegmentRecord[]): void {
    this.#writer?.appendSync(records);
  }

  /** Says that the segment is complete. */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }

  /** Closes the segment; those that were begun, whose names it resolves with, are those of others from now on. */
  async leave(): Promise<readonly string[]> {
    await this.close();
    const names = [...this.#names];
    this.#names.clear();
    return names;
  }

  /** In parts that each fit into a segment: a part is a record at least. */
  *#parts(records: readonly SegmentRecord[]): Generator<readonly SegmentRecord[]> {
    let part: SegmentRecord[] = [];
    let bytes = 0;
    for (const record of records) {
      if (part.length > 0 && bytes + mostBytes([record]) > this.#options.maxSegmentBytes) {
        yield part;
        part = [];
        bytes = 0;
      }
      part.push(record);
      bytes += mostBytes([record]);
    }
    if (part.length > 0) yield part;
  }

  async #appendPart(
    place: EventPlace,
    records: readonly SegmentRecord[],
  ): Promise<readonly (WrittenRecord | undefined)[]> {
    const { maxSegmentBytes, clock, makeRoom } = this.#options;
    const bytes = mostBytes(records);
    const begun = this.#writer;
    const isOver =
      begun !== undefined &&
      (begun.file.folder !== place.folder ||
        begun.bytes + bytes > maxSegmentBytes ||
        clock.nowMs() - begun.file.begunAtMs > MAX_SEGMENT_AGE_MS);
    if (isOver) await this.close();
    if (!(await makeRoom(bytes))) return records.map(() => undefined);
    const writer = (this.#writer ??= await this.#begin(place));
    const ends = await writer.append(records);
    // Others may have written into the same room.
    await makeRoom(0);
    if (await writer.isInPlace()) return ends.map((end) => ({ segment: writer.file.name, end }));
    // Somebody was through with it, and may have seen nothing of this.
    await this.close();
    const next = (this.#writer = await this.#begin(place));
    return (await next.append(records)).map((end) => ({ segment: next.file.name, end }));
  }

  async #begin(place: EventPlace): Promise<SegmentWriter> {
    const { keys, clock } = this.#options;
    if (keys === undefined) throw new Error('unreachable: there is no folder without a key');
    const writer = await beginEventSegment(place, { keys, clock });
    this.#forgetGone(place.folder);
    this.#names.add(writer.file.name);
    this.#begun += 1;
    return writer;
  }

  /** Who runs for days would go through all that was ever delivered. */
  #forgetGone(folder: string): void {
    for (const name of this.#names) {
      // In this order: what is open is closed, and never the other way round.
      const isThere = (['open', 'closed'] as const).some((state) =>
        existsSync(segmentPath({ folder, name, state })),
      );
      if (!isThere) this.#names.delete(name);
    }
  }
}

/** What records take on the disk at most: in a group with others they take less. */
function mostBytes(records: readonly SegmentRecord[]): number {
  return records.reduce((bytes, record) => bytes + recordBytes(record) + GROUP_OVERHEAD_BYTES, 0);
}
