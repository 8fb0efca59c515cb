import { sizeInMemory, type MonitorEvent } from '../monitor/monitor-event.js';
import { readPosition, writePosition } from './delivered-position.js';
import { decodeEvent } from './event-record.js';
import type { SegmentKeys } from './segment-keys.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import { FIRST_RECORD, SegmentReader, type UnreadableSegment } from './segment-reader.js';
import type { RecordPosition } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** A larger event is read again when its turn comes, instead of being kept while others go first. */
const KEPT_BYTES = 64 * 1024;

/** An event in a segment, and where it ends there. */
export type SegmentEvent = {
  readonly event: MonitorEvent;
  readonly segment: string;
  readonly end: RecordPosition;
};

type Head = {
  readonly begin: RecordPosition;
  readonly end: RecordPosition;
  readonly atMs: number;
  readonly bytes: number;
  readonly session: string;
  readonly event: MonitorEvent | undefined;
};

/** A segment that is being delivered: its next event, and how far it is delivered. */
export class BacklogSegment {
  file: SegmentFile;
  readonly #reader: SegmentReader;
  readonly #wasDamaged: boolean;
  #head: Head | undefined;
  #isAtEnd = false;
  #delivered: RecordPosition;
  /** The number after the last event that was handed out. */
  #taken = 0;

  private constructor(file: SegmentFile, reader: SegmentReader, wasDamaged: boolean) {
    this.file = file;
    this.#reader = reader;
    this.#delivered = reader.position;
    this.#wasDamaged = wasDamaged;
  }

  /** @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now. */
  static async open(file: SegmentFile, keys: SegmentKeys): Promise<BacklogSegment | UnreadableSegment> {
    const reader = await SegmentReader.open(segmentPath(file), 'queue of events', keys);
    if (!(reader instanceof SegmentReader)) return reader;
    const position = await readPosition(file);
    if (position !== undefined) reader.skipTo(position.end);
    return new BacklogSegment(file, reader, position?.isDamaged === true);
  }

  /** Whose it is, as its first record says; for who reads nothing else of it afterwards. */
  async account(): Promise<QueueAccount | undefined> {
    this.#reader.skipTo(FIRST_RECORD);
    try {
      const said: unknown = JSON.parse((await this.#reader.next())?.head ?? 'null');
      const { profile, origin } = said as Readonly<Record<string, unknown>>;
      if (typeof profile !== 'string') return undefined;
      return { profile, origin: typeof origin === 'string' ? origin : undefined };
    } catch {
      return undefined;
    }
  }

  /** Looks whether something was appended, the next time. */
  lookAgain(): void {
    this.#isAtEnd = false;
  }

  /** When the next event happened, in milliseconds since the epoch; `undefined` when there was none at the last look. */
  async peekAtMs(): Promise<number | undefined> {
    while (this.#head === undefined && !this.#isAtEnd) {
      const begin = this.#reader.position;
      const record = await this.#reader.next();
      if (record === undefined) {
        this.#isAtEnd = true;
        break;
      }
      // The first record says what the segment is for.
      const event = record.end.number === 1 ? undefined : decodeEvent(record);
      if (event === undefined) continue;
      const isKept = event.payload.length <= KEPT_BYTES;
      const atMs = Date.parse(event.timestamp);
      const bytes = sizeInMemory(event);
      const session = event.correlationId;
      this.#head = { begin, end: record.end, atMs, bytes, session, event: isKept ? event : undefined };
    }
    return this.#head?.atMs;
  }

  /** About how much memory the next event takes, in bytes, once it was peeked at. */
  get nextBytes(): number {
    return this.#head?.bytes ?? 0;
  }

  /** The session that the next event is of, once it was peeked at. */
  get nextSession(): string | undefined {
    return this.#head?.session;
  }

  /** The next event, which then is no longer the next. */
  async take(): Promise<SegmentEvent | undefined> {
    if ((await this.peekAtMs()) === undefined || this.#head === undefined) return undefined;
    const { begin, end, event } = this.#head;
    this.#head = undefined;
    this.#taken = end.number;
    if (event !== undefined) return { event, segment: this.file.name, end };
    this.#reader.skipTo(begin);
    const record = await this.#reader.next();
    const again = record === undefined ? undefined : decodeEvent(record);
    return again === undefined ? undefined : { event: again, segment: this.file.name, end };
  }

  /** Does not hand out the event that ends at `end`: it is on its way already. One with others before it stays. */
  skip(end: RecordPosition): void {
    if (isAfter(end, this.#head?.begin ?? this.#reader.position)) return;
    this.#taken = Math.max(this.#taken, end.number);
    if (this.#head !== undefined && this.#head.begin.number < end.number) this.#head = undefined;
    if (this.#reader.position.number < end.number) this.#reader.skipTo(end);
  }

  /** Notes that all that was handed out up to `end` is delivered. */
  async advance(end: RecordPosition): Promise<void> {
    if (end.number <= this.#delivered.number) return;
    this.#delivered = end;
    await this.#keepPosition();
  }

  /**
   * Notes that the events that end there are delivered, from memory. One with others before it that are not is not noted,
   * and sent again: nothing is stepped over.
   */
  async noteDelivered(ends: readonly RecordPosition[]): Promise<void> {
    const before = this.#delivered;
    for (const end of ends) {
      if (end.number <= this.#delivered.number || isAfter(end, this.#delivered)) continue;
      this.skip(end);
      this.#delivered = end;
    }
    if (this.#delivered !== before) await this.#keepPosition();
  }

  get isDamaged(): boolean {
    return this.#wasDamaged || this.#reader.damage !== undefined;
  }

  /** Whether everything that was found in it is delivered. */
  get isDelivered(): boolean {
    return this.#head === undefined && this.#delivered.number >= this.#taken;
  }

  /** Bytes after the last whole record. */
  trailingBytes(): Promise<number> {
    return this.#reader.trailingBytes();
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  #keepPosition(): Promise<void> {
    return writePosition(this.file, { end: this.#delivered, isDamaged: this.isDamaged });
  }
}

/** Whether there are others between `position` and the event that ends at `end`; the first record is none. */
function isAfter(end: RecordPosition, position: RecordPosition): boolean {
  return end.number - 1 > Math.max(1, position.number);
}
