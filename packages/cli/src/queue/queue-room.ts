import { readdir, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import type { QueueLimits } from './queue-limits.js';
import { giveUpSegment } from './segment-folder.js';
import { parseSegmentPath } from './segment-name.js';

/** What was set aside may take this part of the room. */
const ASIDE_PART = 1 / 8;
const ASIDE = /^\d{15}-[0-9a-f]{12}\.(?:(?:open|closed)\.corrupt|refused)$/;

/** What was given up to stay within the limits. */
export type GivenUp = { readonly events: number; readonly why: 'size' | 'age' };

type Sized = { readonly path: string; readonly bytes: number; readonly writtenAtMs: number };

/** Keeps all parts of the queue, together, within the limits: the oldest files go first. */
export class QueueRoom {
  readonly #folder: string;
  readonly #limits: QueueLimits;
  readonly #clock: Clock;

  constructor(folder: string, limits: QueueLimits, clock: Clock) {
    this.#folder = folder;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Gives up what is too old, and then the oldest, until `bytes` more would fit. Tells what it cost. */
  async make(bytes: number): Promise<readonly GivenUp[]> {
    const { maxBytes, maxAgeMs } = this.#limits;
    const oldestMs = this.#clock.nowMs() - maxAgeMs;
    const files = await this.#files();
    const aside = files.filter(({ path }) => ASIDE.test(basename(path)));
    let asideBytes = aside.reduce((sum, file) => sum + file.bytes, 0);
    let allBytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const lost = { size: 0, age: 0 };
    for (const file of aside) {
      if (asideBytes <= maxBytes * ASIDE_PART && file.writtenAtMs >= oldestMs) continue;
      await unlink(file.path).catch(() => undefined);
      asideBytes -= file.bytes;
      allBytes -= file.bytes;
    }
    for (const file of files) {
      const segment = parseSegmentPath(file.path);
      if (segment === undefined || segment.state === 'refused') continue;
      const isTooOld = file.writtenAtMs < oldestMs;
      if (!isTooOld && allBytes + bytes <= maxBytes) continue;
      lost[isTooOld ? 'age' : 'size'] += await giveUpSegment(segment);
      allBytes -= file.bytes;
    }
    return (['age', 'size'] as const).flatMap((why) => (lost[why] > 0 ? [{ events: lost[why], why }] : []));
  }

  /** All files of all accounts, the one that was begun first first. */
  async #files(): Promise<readonly Sized[]> {
    const folders = await readdir(this.#folder).catch(() => []);
    const files: Sized[] = [];
    for (const folder of folders.filter((name) => name !== 'revocations')) {
      for (const name of await readdir(join(this.#folder, folder)).catch(() => [])) {
        const path = join(this.#folder, folder, name);
        const stats = await stat(path).catch(() => undefined);
        // Positions are tiny, and go with their segments.
        if (stats?.isFile() !== true || name.endsWith('.position')) continue;
        files.push({ path, bytes: stats.size, writtenAtMs: stats.mtimeMs });
      }
    }
    return files.sort((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
  }
}
