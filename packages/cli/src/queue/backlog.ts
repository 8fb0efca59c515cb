import { isAuthError, type Clock } from '@kilometers/auth';
import { BacklogSegment, type SegmentEvent } from './backlog-segment.js';
import type { WrittenRecord } from './journal-segments.js';
import {
  closeSegment,
  listSegments,
  removeSegment,
  setSegmentAside,
  sizeOf,
  writtenAtMs,
} from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import type { RecordPosition } from './segment-writer.js';

/** So many segments with something in them are read side by side, the oldest; the others come later. */
const MAX_SIDE_BY_SIDE = 32;
/** A segment in which nothing was written for so long is closed once it is delivered. */
const IDLE_MS = 60_000;
/** What a living process began to write is there whole long before. */
const CUT_OFF_MS = 5_000;
/** A segment that could not be read is left out for so long: it keeps no other from its turn. */
const LEFT_OUT_MS = 10_000;

export type BacklogOptions = {
  readonly folder: string;
  readonly keys: SegmentKeys;
  readonly clock: Clock;
  /** Is told of a segment that was set aside. */
  readonly onTrouble: (message: string) => void;
  /** Segments that could not be read, and when they are tried again, by the monotonic clock; where others go on with it. */
  readonly leftOut?: Map<string, number>;
  /** Only these segments are looked at, and they stay where they are: for one that may not deliver the rest. */
  readonly only?: ReadonlySet<string> | undefined;
};

/**
 * The events in an account's folder that are not delivered yet, the oldest first across all sessions; those of one session
 * as they were written, whatever its clock said. For the one process that delivers them, or for one that delivers its own.
 */
export class Backlog {
  readonly #options: BacklogOptions;
  readonly #segments = new Map<string, BacklogSegment>();
  readonly #leftOut: Map<string, number>;
  #isClosed = false;
  #isPartial = false;
  #hasNewer = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#leftOut = options.leftOut ?? new Map<string, number>();
  }

  /**
   * Looks at what is in the folder, and removes what is delivered.
   *
   * @param idleMs a segment in which nothing was written for so long is closed once it is delivered.
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
   */
  async refresh(idleMs = IDLE_MS): Promise<void> {
    const { folder, only } = this.#options;
    const listed = (await listSegments(folder)).filter(({ name }) => only?.has(name) !== false);
    const files = new Map(listed.map((file) => [file.name, file]));
    for (const [name, segment] of this.#segments) {
      const file = files.get(name);
      if (file === undefined) await this.#forget(name);
      else segment.file = file;
    }
    for (const name of this.#leftOut.keys()) if (!files.has(name)) this.#leftOut.delete(name);
    let sideBySide = 0;
    this.#isPartial = false;
    this.#hasNewer = false;
    for (const file of files.values()) {
      if (file.state === 'refused') continue;
      if (sideBySide >= MAX_SIDE_BY_SIDE) {
        this.#isPartial = true;
        break;
      }
      if (this.#isLeftOut(file.name)) continue;
      const segment = this.#segments.get(file.name) ?? (await this.#reading(file, this.#open(file)));
      if (segment === undefined) continue;
      segment.lookAgain();
      if ((await this.#peekAtMs(segment)) !== undefined) sideBySide += 1;
      else if (segment.isDelivered && only === undefined) await this.#finish(segment, idleMs);
    }
    this.#sort();
  }

  /** Whether there are segments that only a newer version can read. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  /** Looks again, the next time, at segments in which something was written. */
  lookAgain(names: Iterable<string>): void {
    for (const name of names) this.#segments.get(name)?.lookAgain();
  }

  /** Whether one of these segments may have an event to deliver, by now; those begun since {@link refresh} are not seen. */
  async mayHaveEventIn(names: Iterable<string>): Promise<boolean> {
    if (this.#isPartial) return true;
    for (const name of names) {
      const segment = this.#segments.get(name);
      if (segment !== undefined && (await this.#peekAtMs(segment)) !== undefined) return true;
    }
    return false;
  }

  /** When the oldest event happened, in milliseconds since the epoch, and its bytes; `undefined` when there is none. */
  async peek(): Promise<{ readonly atMs: number; readonly bytes: number } | undefined> {
    const oldest = await this.#oldest();
    return oldest === undefined ? undefined : { atMs: oldest.atMs, bytes: oldest.segment.nextBytes };
  }

  async take(): Promise<SegmentEvent | undefined> {
    const segment = (await this.#oldest())?.segment;
    return segment === undefined ? undefined : this.#reading(segment.file, segment.take());
  }

  /** Does not hand out these, in their order, which are on their way already. */
  skip(written: readonly WrittenRecord[]): void {
    for (const { segment, end } of written) this.#segments.get(segment)?.skip(end);
  }

  /** Notes what was handed out and is delivered: up to where, by segment. */
  async advance(ends: ReadonlyMap<string, RecordPosition>): Promise<void> {
    for (const [name, end] of ends) await this.#segments.get(name)?.advance(end);
  }

  /** Notes what was delivered from memory, in its order. */
  async noteDelivered(written: readonly WrittenRecord[]): Promise<void> {
    for (const name of new Set(written.map(({ segment }) => segment))) {
      const ends = written.filter(({ segment }) => segment === name).map(({ end }) => end);
      await this.#segments.get(name)?.noteDelivered(ends);
    }
  }

  /** Closes the files, also beneath what is being read: that fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const name of [...this.#segments.keys()]) await this.#forget(name);
  }

  async #oldest(): Promise<{ readonly segment: BacklogSegment; readonly atMs: number } | undefined> {
    let oldest: { readonly segment: BacklogSegment; readonly atMs: number } | undefined;
    const sessions = new Set<string | undefined>();
    for (const segment of [...this.#segments.values()]) {
      const atMs = await this.#peekAtMs(segment);
      // Of a session the segment that was begun first comes first: its clock may have been set back.
      if (atMs === undefined || sessions.has(segment.nextSession)) continue;
      sessions.add(segment.nextSession);
      if (oldest === undefined || atMs < oldest.atMs) oldest = { segment, atMs };
    }
    return oldest;
  }

  /** In the order in which they were begun, which their names tell; one may have come from another folder. */
  #sort(): void {
    const sorted = [...this.#segments].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#segments.clear();
    for (const [name, segment] of sorted) this.#segments.set(name, segment);
  }

  async #open(file: SegmentFile): Promise<BacklogSegment | undefined> {
    const { clock, keys, onTrouble, only } = this.#options;
    const opened = await BacklogSegment.open(file, keys);
    if (opened instanceof BacklogSegment) {
      this.#segments.set(file.name, opened);
      return opened;
    }
    if (opened.kind === 'newer') this.#hasNewer = true;
    if (only !== undefined) return undefined;
    const isWritten = clock.nowMs() - file.begunAtMs > CUT_OFF_MS;
    const isBroken = opened.kind === 'poisoned' || opened.kind === 'foreign';
    if (isBroken || (opened.kind === 'short' && isWritten)) {
      // Killed before a byte was written: there is nothing in it.
      if ((await sizeOf(segmentPath(file))) === 0) await removeSegment(file);
      else onTrouble(asideMessage(await setSegmentAside(file), opened.why));
    }
    return undefined;
  }

  #peekAtMs(segment: BacklogSegment): Promise<number | undefined> {
    return this.#reading(segment.file, segment.peekAtMs());
  }

  /** `undefined` where the disk fails: that segment is left out for a while, and told once. */
  async #reading<T>(file: SegmentFile, reading: Promise<T>): Promise<T | undefined> {
    const { clock, onTrouble } = this.#options;
    try {
      const read = await reading;
      if (this.#leftOut.size > 0) this.#leftOut.delete(file.name);
      return read;
    } catch (error) {
      if (isAuthError(error) || this.#isClosed) throw error;
      await this.#forget(file.name);
      const isNew = !this.#leftOut.has(file.name);
      this.#leftOut.set(file.name, clock.monotonicMs() + LEFT_OUT_MS);
      const why = error instanceof Error ? error.message : String(error);
      if (isNew) onTrouble(`a file of the queue cannot be read, and waits: ${segmentPath(file)}: ${why}`);
      return undefined;
    }
  }

  #isLeftOut(name: string): boolean {
    return (this.#leftOut.get(name) ?? Number.NEGATIVE_INFINITY) > this.#options.clock.monotonicMs();
  }

  /** A segment of which nothing is left to deliver: closed first, and removed when it is found so once more. */
  async #finish(segment: BacklogSegment, idleMs: number): Promise<void> {
    const { clock, onTrouble } = this.#options;
    const { file } = segment;
    const quietMs = clock.nowMs() - ((await writtenAtMs(segmentPath(file))) ?? 0);
    const isCutOff = (await segment.trailingBytes()) > 0;
    if (isCutOff && quietMs < CUT_OFF_MS) return;
    if (file.state === 'open') {
      if (quietMs >= idleMs) segment.file = await closeSegment(file);
      return;
    }
    await this.#forget(file.name);
    if (!isCutOff && !segment.isDamaged) return removeSegment(file);
    onTrouble(
      asideMessage(await setSegmentAside(file), isCutOff ? 'its end is cut off' : 'a part was changed'),
    );
  }

  async #forget(name: string): Promise<void> {
    const segment = this.#segments.get(name);
    this.#segments.delete(name);
    await segment?.close();
  }
}

function asideMessage(path: string, why: string): string {
  return `a file of the queue does not open whole (${why}): it was moved to ${path}, and what opens of it is delivered`;
}
