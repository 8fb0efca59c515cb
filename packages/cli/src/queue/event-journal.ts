import type { MonitorEvent } from '../monitor/monitor-event.js';
import { encodeEvent } from './event-record.js';
import type { EventPlace } from './event-segment.js';
import { JournalSegments, type JournalSegmentsOptions, type WrittenRecord } from './journal-segments.js';
import { WaitingEvents, type WaitingEvent } from './waiting-events.js';

/** An event that is not delivered for so long is written to the disk. */
const WRITE_AFTER_MS = 50;
/** So much is written at once, without waiting. */
const WRITE_AT_BYTES = 1024 * 1024;
/** With so much in memory it is written before more is taken; memory has room for what is taken meanwhile all the same. */
const CONGESTED_BYTES = 4 * 1024 * 1024;
/** After a failure to write, the disk is tried again this much later. */
const RETRY_MS = 5_000;

export type EventJournalOptions = JournalSegmentsOptions & {
  /** Is told of events that were given up: the oldest because memory is full, or one that is larger than the queue. */
  readonly onDropped: (count: number, why: 'memory' | 'size') => void;
  /** Is told, the first time, that events stay in memory, and why. */
  readonly onUnwritable: (error: unknown) => void;
};

/**
 * Takes events, keeps them in memory for a moment in which they may be delivered, and writes to a segment of this
 * process's own what is not. Where the disk takes nothing (it is full, or read-only) they stay in memory, of which
 * `WaitingEvents` has 16 MiB, the oldest go first, the user is told once, and the disk is tried again every 5 s.
 */
export class EventJournal {
  readonly #options: EventJournalOptions;
  readonly #waiting: WaitingEvents;
  readonly #segments: JournalSegments;
  /** Where segments are begun, and whose they are; `undefined` where none can be. */
  #place: EventPlace | undefined;
  #flushing: Promise<void> | undefined;
  #flushes = 0;
  #beingWritten = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #retryAtMs: number | undefined;
  #hasToldUnwritable = false;
  #delivered: WrittenRecord[] = [];

  constructor(options: EventJournalOptions, place: EventPlace | undefined) {
    this.#options = options;
    this.#place = place;
    this.#segments = new JournalSegments(options);
    this.#waiting = new WaitingEvents(
      (count) => options.onDropped(count, 'memory'),
      () => this.isWritable,
    );
  }

  /** How many events are in memory only, those that are being written included. */
  get size(): number {
    return this.#waiting.size + this.#beingWritten;
  }

  /** Whether events can be written, as far as is known. */
  get isWritable(): boolean {
    return this.#place !== undefined && this.#retryAtMs === undefined;
  }

  /** While too much waits to be written: resolves when it is written, or cannot be. */
  get congestion(): Promise<void> | undefined {
    return this.#waiting.bytes >= CONGESTED_BYTES && this.isWritable ? this.flush() : undefined;
  }

  /** Changes with each write: what is read of it on both sides of an `await` tells whether one began meanwhile. */
  get flushes(): number {
    return this.#flushes;
  }

  /** How many segments this process began. */
  get begun(): number {
    return this.#segments.begun;
  }

  /** Names of the segments that this process began, until they are gone. */
  get segments(): ReadonlySet<string> {
    return this.#segments.names;
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

  /** What was taken from memory and delivered, and is on the disk, since the last call. */
  takeDelivered(): readonly WrittenRecord[] {
    return this.#delivered.splice(0);
  }

  /** Resolves when what is being written is, or closed; another write may have begun by then. */
  get flushing(): Promise<void> | undefined {
    return this.#flushing;
  }

  /** Writes everything that is in memory only, if it can be written. */
  async flush(): Promise<void> {
    // Whoever else waits for it may have begun the next.
    while (this.#flushing !== undefined) await this.#flushing;
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
      this.#segments.appendSync(this.#waiting.drain().map(({ event }) => encodeEvent(event)));
    } catch {
      // It ends all the same.
    }
  }

  /**
   * Writes what is left and closes the segment; the next one is begun in `place`. Resolves with the names of those that
   * were begun before.
   *
   * @param leave takes what could not be written, which this has no more; without it that is kept, for `place`.
   * @param onLeft what is to be done before anything is written in `place`.
   */
  async moveTo(
    place: EventPlace | undefined,
    leave?: (events: readonly MonitorEvent[]) => void,
    onLeft?: () => Promise<void>,
  ): Promise<readonly string[]> {
    await this.flush();
    // Whoever else waited for it may have begun the next.
    while (this.#flushing !== undefined) await this.#flushing;
    // At once: what is asked for meanwhile finds it here or there, and what comes meanwhile comes after it.
    leave?.(this.#waiting.drain().map(({ event }) => event));
    // What comes meanwhile is written after it, in `place`.
    const leaving = this.#leave(onLeft).finally(() => {
      this.#place = place;
      this.#delivered = [];
      this.#flushing = undefined;
    });
    this.#flushing = leaving.then(() => undefined);
    const names = await leaving;
    this.#schedule(0);
    return names;
  }

  /** Writes what is left, puts it on the disk and closes the segment. */
  async close(): Promise<void> {
    this.#retryAtMs = undefined;
    await this.flush();
    this.#timer?.cancel();
    await this.#segments.close();
  }

  async #leave(onLeft: (() => Promise<void>) | undefined): Promise<readonly string[]> {
    const names = await this.#segments.leave();
    await onLeft?.();
    return names;
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

  async #write(place: EventPlace): Promise<void> {
    const entries = this.#waiting.drain();
    this.#beingWritten = entries.length;
    try {
      const records = entries.map(({ event }) => encodeEvent(event));
      const written = await this.#segments.append(place, records);
      this.#retryAtMs = undefined;
      this.#beingWritten = 0;
      let tooLarge = 0;
      entries.forEach((entry, index) => {
        entry.written = written[index];
        // It may have been delivered meanwhile.
        if (entry.state === 'gone') this.#noteDelivered(entry);
        else if (entry.written === undefined) tooLarge += 1;
      });
      if (tooLarge > 0) this.#options.onDropped(tooLarge, 'size');
    } catch (error) {
      this.#retryAtMs = this.#options.clock.monotonicMs() + RETRY_MS;
      this.#beingWritten = 0;
      this.#waiting.restore(entries);
      // What was written last may be cut off: nothing is appended after it.
      await this.#segments.close();
      this.#schedule(RETRY_MS);
      if (!this.#hasToldUnwritable) this.#options.onUnwritable(error);
      this.#hasToldUnwritable = true;
    }
  }

  #noteDelivered({ written }: WaitingEvent): void {
    if (written !== undefined) this.#delivered.push(written);
  }
}
