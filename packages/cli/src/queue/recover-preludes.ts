import { existsSync } from 'node:fs';
import type { Clock } from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import { droppedMessage } from '../monitor/monitor-messages.js';
import { encodeEvent } from './event-record.js';
import type { EventPlace } from './event-segment.js';
import { JournalSegments, type JournalSegmentsOptions } from './journal-segments.js';
import { listPreludes, openPrelude, removePrelude, setPreludeAside } from './prelude-file.js';
import { beginProgress, noteProgress } from './prelude-progress.js';
import { PreludeReader } from './prelude-reader.js';
import { listSegments, syncSegment } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { begunAtMs } from './segment-name.js';
import { notedOf } from './segment-notes.js';

export type RecoverOptions = EventPlace &
  Pick<JournalSegmentsOptions, 'maxSegmentBytes' | 'makeRoom'> & {
    readonly keys: SegmentKeys;
    readonly clock: Clock;
    /** Is told of a file that was set aside. */
    readonly onTrouble: (message: string) => void;
  };

/** So much is made of a prelude at once, in bytes of events: what is on the disk already is delivered meanwhile. */
const PIECE_BYTES = 256 * 1024;

type Opened = {
  readonly path: string;
  readonly reader: PreludeReader;
  /** When the next of its events happened at the earliest, in milliseconds since the epoch. */
  atMs: number;
};

/**
 * Makes segments of what sessions left that were killed before they could: piece by piece, each when its turn to be
 * delivered comes, so that it takes little more of the disk than it has. What was made is noted, so that who goes on later,
 * in this process or another, makes the rest. A piece that was written and not noted is made twice: an event has the same
 * id again.
 */
export class PreludeRecovery {
  readonly #options: RecoverOptions;
  readonly #segments: JournalSegments;
  /** Those that could not be read, which are left for the next look. */
  readonly #failed = new Set<string>();
  /** Those that are through and stay where they are, which are left for another process. */
  readonly #stuck = new Set<string>();
  #opened: Opened | undefined;
  /** What was made and is not written. */
  #unwritten: readonly MonitorEvent[] = [];
  #mayHaveMore = true;
  #hasNewer = false;
  /** When the last segment was begun that was there. */
  #latestMs = 0;

  constructor(options: RecoverOptions) {
    this.#options = options;
    const { clock } = options;
    this.#segments = new JournalSegments({
      ...options,
      clock: {
        // Its names come after those of what the session wrote itself, also where the clock was set back.
        nowMs: () => Math.max(clock.nowMs(), this.#latestMs + 1),
        monotonicMs: () => clock.monotonicMs(),
        schedule: (callback, delayMs, keepsAlive) => clock.schedule(callback, delayMs, keepsAlive),
      },
    });
  }

  /** Whether there are preludes that only a newer version can read. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  /** There may be others by now. */
  lookAgain(): void {
    this.#mayHaveMore = true;
  }

  /**
   * Makes events of the next piece, where nothing older waits; resolves with whether there may be more to make at once.
   *
   * @param oldestMs when the oldest event that waits happened, in milliseconds since the epoch.
   * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now. Fails as the disk does, and can go on later.
   */
  async step(oldestMs = Infinity): Promise<boolean> {
    // Somebody cleared the queue, or took it into another account's.
    if (this.#opened !== undefined && !existsSync(this.#opened.path)) await this.close();
    this.#opened ??= this.#mayHaveMore ? await this.#openNext() : undefined;
    if (this.#opened === undefined) {
      this.#mayHaveMore = false;
      return false;
    }
    if (this.#opened.atMs > oldestMs) return false;
    if (this.#unwritten.length === 0) this.#unwritten = await this.#read(this.#opened);
    if (this.#unwritten.length === 0) await this.#finish(this.#opened);
    else await this.#write(this.#opened);
    return true;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#unwritten = [];
    await this.#segments.close();
    await opened?.reader.close();
  }

  async #openNext(): Promise<Opened | undefined> {
    const { folder, keys, clock } = this.#options;
    this.#hasNewer = false;
    for (const path of await listPreludes(folder)) {
      if (this.#failed.has(path) || this.#stuck.has(path)) continue;
      const reader = await this.#orFail(path, openPrelude(path, keys, clock.nowMs()));
      if (reader instanceof PreludeReader) {
        this.#latestMs = Math.max(0, ...(await listSegments(folder)).map((file) => file.begunAtMs));
        return { path, reader, atMs: reader.madeUntilMs ?? begunAtMs(path) };
      }
      if (reader?.kind === 'newer') this.#hasNewer = true;
      if (reader?.kind === 'short') await this.#putAway(path);
      if (reader?.kind === 'poisoned' || reader?.kind === 'foreign') await this.#putAway(path, reader.why);
    }
    this.#failed.clear();
    return undefined;
  }

  async #read({ path, reader }: Opened): Promise<readonly MonitorEvent[]> {
    return this.#orFail(path, reader.next(PIECE_BYTES));
  }

  async #write(opened: Opened): Promise<void> {
    const { folder, onTrouble } = this.#options;
    const prelude = notedOf(opened.path);
    try {
      await beginProgress(prelude);
      const written = await this.#segments.append(this.#options, this.#unwritten.map(encodeEvent));
      const tooLarge = written.filter((record) => record === undefined).length;
      if (tooLarge > 0) onTrouble(droppedMessage(tooLarge, 'size'));
      // What is noted would not be made again: the disk has it first.
      for (const name of new Set(written.map((record) => record?.segment))) {
        if (name !== undefined) await syncSegment(folder, name);
      }
    } catch (error) {
      // What was written last may be cut off: nothing is appended after it.
      await this.#segments.close();
      throw error;
    }
    this.#unwritten = [];
    const { progress } = opened.reader;
    if (progress === undefined) return;
    opened.atMs = progress.atMs;
    await noteProgress(prelude, progress);
  }

  async #finish({ path, reader }: Opened): Promise<void> {
    await this.close();
    await this.#putAway(path, reader.damage);
  }

  /** Removes what is through, or moves it aside where it did not open whole. */
  async #putAway(path: string, damage?: string): Promise<void> {
    const { onTrouble } = this.#options;
    const stays = (what: string): void => {
      this.#stuck.add(path);
      onTrouble(`what passed in a session cannot be ${what}: make it writable: ${path}`);
    };
    if (damage === undefined) {
      if (!(await removePrelude(path))) stays('removed');
      return;
    }
    const aside = await setPreludeAside(path);
    if (aside === undefined) stays(`moved out of the way (${damage})`);
    else onTrouble(asideMessage(aside, damage));
  }

  /** One that cannot be read does not keep others from their turn. */
  async #orFail<T>(path: string, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      this.#failed.add(path);
      await this.close();
      throw error;
    }
  }
}

function asideMessage(path: string, why: string): string {
  return `what passed in a session does not open whole (${why}): it was moved to ${path}, and what opens of it is delivered`;
}
