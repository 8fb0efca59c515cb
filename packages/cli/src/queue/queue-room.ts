import { readdir, stat, unlink, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import { isPreludeName } from './prelude-file.js';
import type { QueueLimits } from './queue-limits.js';
import { finishGivingUp, giveUpFile, isGivenUp, writtenAtMs } from './segment-folder.js';
import { begunAtMs, parseSegmentPath } from './segment-name.js';
import { hadGrace, isNote, notedOf, noteGrace, removeLoneNote } from './segment-notes.js';

/** What was set aside may take this part of the room. */
const ASIDE_PART = 1 / 8;
const ASIDE = /^\d{15}-[0-9a-f]{12}\.(?:(?:open|closed|prelude)\.corrupt|refused)$/;
/** This part stays free: several processes may make room for what they write at the same time. */
const SPARE_PART = 1 / 16;
/** Where no more than this part is free the files are looked at before and after each write. */
const TIGHT_PART = 1 / 4;
/** So much of what is free may be written before the files are looked at again: others write meanwhile. */
const UNSEEN_PART = 1 / 64;

/** What was written so much later than now was so by a clock that was wrong. */
const AHEAD_MS = 60_000;
/** Nobody is still at it who began to give up a file, or to move one, so long ago. */
const LEFT_MS = 60_000;
/** What seems too old for the first time may be so because the clock was put right: it has so long to be delivered. */
const GRACE_MS = 24 * 3_600_000;
/** A file is not written to for longer than this after it was begun: one that says more is as old as it seems. */
const LONGEST_WRITTEN_MS = 2 * 3_600_000;

/** What was given up to stay within the limits. */
export type GivenUp = { readonly events: number; readonly why: 'size' | 'age' | 'aside' };

/** Whether there is room now, and what that cost. */
export type Room = { readonly isThere: boolean; readonly givenUp: readonly GivenUp[] };

type Sized = {
  readonly path: string;
  readonly bytes: number;
  readonly writtenAtMs: number;
  /** When it got its name, or was written. */
  readonly changedAtMs: number;
};

/** Keeps all parts of the queue, together, within the limits: the oldest files go first. */
export class QueueRoom {
  readonly #folder: string;
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  /** What may be written before the files are looked at again, in bytes. */
  #unseenBytes = 0;

  constructor(folder: string, limits: QueueLimits, clock: Clock) {
    this.#folder = folder;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Makes room for `bytes` more; 0 after others may have written at the same time. */
  async make(bytes: number): Promise<Room> {
    if (bytes > this.#mostBytes) return { isThere: false, givenUp: [] };
    if (this.#unseenBytes === 0 || bytes > this.#unseenBytes) {
      return { isThere: true, givenUp: await this.tidy(bytes) };
    }
    this.#unseenBytes -= bytes;
    return { isThere: true, givenUp: [] };
  }

  get #mostBytes(): number {
    return this.#limits.maxBytes * (1 - SPARE_PART);
  }

  /** Gives up what is too old, and then the oldest, until `bytes` more fit. */
  async tidy(bytes: number): Promise<readonly GivenUp[]> {
    const maxBytes = this.#mostBytes;
    const oldestMs = this.#clock.nowMs() - this.#limits.maxAgeMs;
    const all = await this.#files();
    // Notes are tiny, and go with what they tell of.
    const files = all.filter(({ path }) => !isGivenUp(path) && !isNote(path));
    const lost = { size: await this.#finishGivingUp(all), age: 0, aside: 0 };
    await this.#removeLoneNotes(all);
    let allBytes = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const { path, bytes: asideBytes } of this.#needlessAside(files, oldestMs)) {
      lost.aside += await giveUpAside(path);
      allBytes -= asideBytes;
    }
    for (const file of files) {
      if (ASIDE.test(basename(file.path)) || !canBeGivenUp(file.path)) continue;
      await this.#dateBack(file);
      const isTooOld = file.writtenAtMs < oldestMs && !(await this.#hasGrace(file, oldestMs));
      if (!isTooOld && allBytes + bytes <= maxBytes) continue;
      lost[isTooOld ? 'age' : 'size'] += await giveUpFile(file.path);
      allBytes -= file.bytes;
    }
    const freeBytes = maxBytes - allBytes - bytes;
    this.#unseenBytes = freeBytes > maxBytes * TIGHT_PART ? freeBytes * UNSEEN_PART : 0;
    return (['aside', 'age', 'size'] as const).flatMap((why) =>
      lost[why] > 0 ? [{ events: lost[why], why }] : [],
    );
  }

  /** What was written in a time that is still to come is as old as now: else it would not age until then. */
  async #dateBack({ path, writtenAtMs: seenMs }: Sized): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (seenMs <= nowMs + AHEAD_MS) return;
    await utimes(path, new Date(nowMs), new Date(nowMs)).catch(() => undefined);
  }

  /** Removes what was given up by a process that was killed at it; resolves with how many events that were. */
  async #finishGivingUp(files: readonly Sized[]): Promise<number> {
    let events = 0;
    for (const { path, changedAtMs } of files) {
      if (!isGivenUp(path) || changedAtMs > this.#clock.nowMs() - LEFT_MS) continue;
      events += await finishGivingUp(path);
    }
    return events;
  }

  /** What is moved to another folder comes after its notes. */
  async #removeLoneNotes(files: readonly Sized[]): Promise<void> {
    for (const { path, changedAtMs } of files) {
      if (isNote(path) && changedAtMs <= this.#clock.nowMs() - LEFT_MS) await removeLoneNote(path);
    }
  }

  /**
   * Whether a file that seems too old is seen so for the first time. It is dated so that it is too old again after its
   * grace, whoever looks then; and noted after that, so that who finds the note finds the date.
   */
  async #hasGrace({ path, writtenAtMs: seenMs }: Sized, oldestMs: number): Promise<boolean> {
    const { maxAgeMs } = this.#limits;
    if (await hadGrace(notedOf(path))) return ((await writtenAtMs(path)) ?? 0) >= oldestMs;
    const begunMs = begunAtMs(path);
    if (seenMs - begunMs > LONGEST_WRITTEN_MS) return false;
    // Dated by a clock that was behind: it is no older than its name.
    const isDatedBack = seenMs < begunMs && begunMs >= oldestMs && begunMs <= this.#clock.nowMs();
    if (isDatedBack) {
      await utimes(path, new Date(begunMs), new Date(begunMs)).catch(() => undefined);
      return true;
    }
    const until = new Date(oldestMs + Math.min(GRACE_MS, maxAgeMs));
    await utimes(path, until, until).catch(() => undefined);
    await noteGrace(notedOf(path));
    return true;
  }

  /** The oldest of what was set aside, where it is too much or too old. */
  #needlessAside(files: readonly Sized[], oldestMs: number): readonly Sized[] {
    const aside = files.filter(({ path }) => ASIDE.test(basename(path)));
    const mostBytes = this.#limits.maxBytes * ASIDE_PART;
    let asideBytes = aside.reduce((sum, file) => sum + file.bytes, 0);
    return aside.filter((file) => {
      const isNeedless = asideBytes > mostBytes || file.writtenAtMs < oldestMs;
      if (isNeedless) asideBytes -= file.bytes;
      return isNeedless;
    });
  }

  /** All files of all accounts, the one that was begun first first. */
  async #files(): Promise<readonly Sized[]> {
    const folders = await readdir(this.#folder).catch(() => []);
    const files: Sized[] = [];
    for (const folder of folders.filter((name) => name !== 'revocations')) {
      for (const name of await readdir(join(this.#folder, folder)).catch(() => [])) {
        const path = join(this.#folder, folder, name);
        const stats = await stat(path).catch(() => undefined);
        if (stats?.isFile() !== true) continue;
        files.push({ path, bytes: stats.size, writtenAtMs: stats.mtimeMs, changedAtMs: stats.ctimeMs });
      }
    }
    return files.sort((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
  }
}

/** Removes what was set aside; resolves with how many events that were. What opened of a damaged file was delivered. */
async function giveUpAside(path: string): Promise<number> {
  if (path.endsWith('.refused')) return giveUpFile(path);
  await unlink(path).catch(() => undefined);
  return 0;
}

function canBeGivenUp(path: string): boolean {
  return parseSegmentPath(path) !== undefined || isPreludeName(basename(path));
}
