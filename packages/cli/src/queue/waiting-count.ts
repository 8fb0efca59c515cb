import type { Clock } from '@kilometers/auth';
import { listPreludes, readPrelude } from './prelude-file.js';
import { readProgress } from './prelude-progress.js';
import { countEvents, countWaiting } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { notedOf } from './segment-notes.js';
import type { QueueAccount } from './state-folder.js';

/** What no event was made of yet, of what a session left that is over. */
export type LeftPrelude = {
  readonly events: number;
  /** `undefined` where it cannot be told, and where the prelude does not say. */
  readonly account: QueueAccount | undefined;
  /** When the first of them happened, in milliseconds since the epoch. */
  readonly oldestAtMs: number | undefined;
};

/** A prelude as it was read: what is over does not change. */
type Read = LeftPrelude & { readonly made: number };

export type WaitingCountOptions = {
  /** What is moved from one to another comes from one before it. */
  readonly folders: readonly string[];
  readonly keys: SegmentKeys;
  readonly clock: Clock;
};

/** Counts the events that wait in an account's folders. Changes nothing. */
export class WaitingCount {
  readonly #options: WaitingCountOptions;
  /** By path: to make events of all that passed takes its time. */
  readonly #read = new Map<string, Read>();

  constructor(options: WaitingCountOptions) {
    this.#options = options;
  }

  /** All of them: those in segments, and those that are still to be made of preludes, which `preludes` tells of. */
  async look(): Promise<{ readonly events: number; readonly preludes: readonly LeftPrelude[] }> {
    const { folders } = this.#options;
    const preludes: LeftPrelude[] = [];
    // Before the segments: what is made or moved meanwhile is counted twice, and not left out.
    for (const folder of folders) {
      for (const path of await listPreludes(folder)) preludes.push(await this.#leftOf(path));
    }
    let events = preludes.reduce((sum, left) => sum + left.events, 0);
    for (const folder of folders) events += await countWaiting(folder);
    return { events, preludes };
  }

  async #leftOf(path: string): Promise<LeftPrelude> {
    const progress = await readProgress(notedOf(path));
    const made = progress?.events ?? 0;
    const read = this.#read.get(path) ?? (await this.#readNow(path, made));
    if (read === undefined) {
      // Each record counts as one, as where it is given up.
      return { events: await countEvents(path, progress?.end), account: undefined, oldestAtMs: undefined };
    }
    if (read.made === made) return read;
    const events = Math.max(0, read.events + read.made - made);
    return { ...read, events, oldestAtMs: events === 0 ? undefined : progress?.atMs };
  }

  /** `undefined` where it does not open, or the key cannot be had now. */
  async #readNow(path: string, made: number): Promise<Read | undefined> {
    const { keys, clock } = this.#options;
    try {
      const prelude = await readPrelude(path, keys, clock.nowMs());
      // One that goes on has nothing to be delivered.
      if (prelude === undefined) return { made, events: 0, account: undefined, oldestAtMs: undefined };
      if (!('events' in prelude)) return undefined;
      const { events, description } = prelude;
      const { profile, origin } = description;
      const read: Read = {
        made,
        events: events.length,
        account: profile === undefined ? undefined : { profile, origin },
        oldestAtMs: oldestOf(events.map(({ timestamp }) => Date.parse(timestamp))),
      };
      this.#read.set(path, read);
      return read;
    } catch {
      return undefined;
    }
  }
}

/** The first of these times; `undefined` where there is none. */
export function oldestOf(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce(
    (oldest, atMs) => (atMs === undefined || (oldest ?? atMs) < atMs ? oldest : atMs),
    undefined,
  );
}
