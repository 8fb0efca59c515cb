import type { Clock } from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import { encodeEvent } from './event-record.js';
import type { SegmentKeys } from './segment-keys.js';
import { SegmentWriter, type RecordPosition } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';
import { WaitingEvents, type WaitingEvent } from './waiting-events.js';

/** An event that is not delivered for so long is written to the disk. */
const WRITE_AFTER_MS = 50;
/** So much is written at once, without waiting. */
const WRITE_AT_BYTES = 1024 * 1024;
/** After a failure to write, the disk is tried again this much later. */
const RETRY_MS = 5_000;
/** A segment that is older is followed by another, so that old events can be given up without new ones. */
const MAX_SEGMENT_AGE_MS = 3_600_000;

export type EventJournalOptions = {
  readonly clock: Clock;
  readonly keys: SegmentKeys | undefined;
  readonly maxSegmentBytes: number;
  /** Makes room for that many bytes more. */
  readonly makeRoom: (bytes: number) => Promise<void>;
  /** Is told that the oldest were given up because memory is full. */
  readonly onDropped: (count: number) => void;
  /** Is told, the first time, that events stay in memory, and why. */
  readonly onUnwritable: (error: unknown) => void;
};

/** Where events are written, and whose they are. */
export type JournalPlace = { readonly folder: string; readonly account: QueueAccount };

/**
 * Takes events, keeps them in memory for a moment in which they may be delivered, and writes to a segment of this
 * process's own what is not.
 */
export class EventJournal {
  readonly #options: EventJournalOptions;
  readonly #waiting: WaitingEvents;
  readonly #segments = new Set<string>();
  /** Where segments are begun, and whose they are; `undefined` where none can be. */
  #place: JournalPlace | undefined;
  #writer: SegmentWriter | undefined;
  #flushing: Promise<void> | undefined;
  #flushes = 0;
  #beingWritten = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #retryAtMs: number | undefined;
  #hasToldUnwritable = false;
  #deliveredEnds = new Map<string, RecordPosition>();
  #bytesSinceRoom = 0;

  constructor(options: EventJournalOptions, place: JournalPlace | undefined) {
    this.#options = options;
    this.#place = place;
    this.#waiting = new WaitingEvents(options.onDropped);
  }

  /** How many events are in memory only, those that are being written included. */
  get size(): number {
    return this.#waiting.size + this.#beingWritten;
  }

  /** Whether events can be written, as far as is known. */
  get isWritable(): boolean {
    return this.#place !== undefined && this.#retryAtMs === undefined;
  }

  /** Changes with each write: what is read of it on both sides of an `await` tells whether one began meanwhile. */
  get flushes(): number {
    return this.#flushes;
  }

  /** Names of the segments that this process began. */
  get segments(): ReadonlySet<string> {
    return this.#segments;
  }

  add(event: MonitorEvent): void {
    this.#waiting.add(event, this.#options.clock.monotonicMs());
    this.#schedule(this.#waiting.bytes >= WRITE_AT_BYTES ? 0 : WRITE_AFTER_MS);
  }

  /** The oldest event in memory that nobody has taken. */
  peek(): WaitingEvent | undefined {
    return this.#waiting.peek();
  }

  take(): WaitingEvent | undefined {
    return this.#waiting.take();
  }

  /** Takes back what was taken and not delivered. */
  putBack(entries: readonly WaitingEvent[]): void {
    this.#waiting.putBack(entries);
  }

  /** Notes what was delivered. */
  settle(entries: readonly WaitingEvent[]): void {
    this.#waiting.settle(entries);
    for (const entry of entries) this.#noteDelivered(entry);
  }

  /** Up to where segments are delivered by what was taken from memory, since the last call. */
  takeDeliveredEnds(): ReadonlyMap<string, RecordPosition> {
    const ends = this.#deliveredEnds;
    this.#deliveredEnds = new Map();
    return ends;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  /** Writes everything that is in memory only, if it can be written. */
  async flush(): Promise<void> {
    await this.settled();
    if (this.#place === undefined || this.#waiting.size === 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#flushes += 1;
    this.#flushing = this.#write(this.#place).finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  /** As {@link flush}, for a process that is about to end. */
  flushSync(): void {
    try {
      this.#writer?.appendSync(this.#waiting.drain().map(({ event }) => encodeEvent(event)));
    } catch {
      // It ends all the same.
    }
  }

  /** Writes what is left and closes the segment; the next one is begun in `place`. */
  async moveTo(place: JournalPlace | undefined): Promise<void> {
    await this.flush();
    await this.#closeWriter();
    this.#place = place;
    this.#segments.clear();
    this.#deliveredEnds.clear();
    this.#schedule(0);
  }

  /** Writes what is left, puts it on the disk and closes the segment. */
  async close(): Promise<void> {
    this.#retryAtMs = undefined;
    await this.flush();
    this.#timer?.cancel();
    await this.#closeWriter();
  }

  #schedule(delayMs: number): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const atMs = Math.max(nowMs + delayMs, this.#retryAtMs ?? 0);
    if (this.#place === undefined || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return;
    this.#timer?.cancel();
    const cancel = clock.schedule(
      () => {
        this.#timer = undefined;
        void this.flush();
      },
      atMs - nowMs,
      false,
    );
    this.#timer = { atMs, cancel };
  }

  async #write(place: JournalPlace): Promise<void> {
    const entries = this.#waiting.drain();
    this.#beingWritten = entries.length;
    try {
      const plaintexts = entries.map(({ event }) => encodeEvent(event));
      const { writer, ends } = await this.#append(place, plaintexts);
      this.#retryAtMs = undefined;
      this.#beingWritten = 0;
      entries.forEach((entry, index) => {
        const end = ends[index];
        if (end === undefined) return;
        entry.written = { segment: writer.file.name, end };
        // It may have been delivered meanwhile.
        if (entry.state === 'gone') this.#noteDelivered(entry);
      });
    } catch (error) {
      this.#retryAtMs = this.#options.clock.monotonicMs() + RETRY_MS;
      this.#beingWritten = 0;
      this.#waiting.restore(entries);
      // What was written last may be cut off: nothing is appended after it.
      await this.#closeWriter();
      this.#schedule(RETRY_MS);
      if (!this.#hasToldUnwritable) this.#options.onUnwritable(error);
      this.#hasToldUnwritable = true;
    }
  }

  async #append(place: JournalPlace, plaintexts: readonly Buffer[]) {
    const { maxSegmentBytes, clock, makeRoom } = this.#options;
    const begun = this.#writer;
    const isOld =
      begun !== undefined &&
      (begun.bytes >= maxSegmentBytes || clock.nowMs() - begun.file.begunAtMs > MAX_SEGMENT_AGE_MS);
    if (isOld) await this.#closeWriter();
    this.#bytesSinceRoom += plaintexts.reduce((bytes, { length }) => bytes + length, 0);
    if (this.#writer === undefined || this.#bytesSinceRoom > maxSegmentBytes / 4) {
      await makeRoom(maxSegmentBytes / 4 + this.#bytesSinceRoom);
      this.#bytesSinceRoom = 0;
    }
    const writer = (this.#writer ??= await this.#begin(place));
    const ends = await writer.append(plaintexts);
    if (await writer.isInPlace()) return { writer, ends };
    // Somebody was through with it, and may have seen nothing of this.
    await this.#closeWriter();
    this.#writer = await this.#begin(place);
    return { writer: this.#writer, ends: await this.#writer.append(plaintexts) };
  }

  #noteDelivered({ written }: WaitingEvent): void {
    if (written !== undefined) this.#deliveredEnds.set(written.segment, written.end);
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
    this.#segments.add(writer.file.name);
    return writer;
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }
}
