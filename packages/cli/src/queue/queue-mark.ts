import { readPosition } from './delivered-position.js';
import { countEvents, listSegments, sizeOf } from './segment-folder.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import type { WaitingCount } from './waiting-count.js';

/** How far what waited at one moment has got. */
export type MarkProgress = {
  readonly isPassed: boolean;
  /** Whether some of it was delivered, or made into events, since the look before. */
  readonly hasMoved: boolean;
};

/** What waits in an account's folders at one moment, whoever delivers it. What comes meanwhile is none of it. */
export class QueueMark {
  readonly #folders: readonly string[];
  readonly #count: WaitingCount;
  /** By its name, where each segment that has events ends; `undefined` until all that was left by others is events. */
  #ends: Map<string, number> | undefined;
  /** How many events are still to be made of what sessions left. */
  #unmade = Infinity;
  /** By its name, up to where each segment was delivered at the look before. */
  #offsets: ReadonlyMap<string, number> = new Map();

  constructor(folders: readonly string[], count: WaitingCount) {
    this.#folders = folders;
    this.#count = count;
  }

  /** Other segments are to be passed as well. */
  async add(files: readonly SegmentFile[]): Promise<void> {
    this.#ends ??= new Map();
    for (const file of files) await this.#mark(file, this.#ends);
  }

  /** The first look is that moment. */
  async look(): Promise<MarkProgress> {
    const unmade = this.#ends === undefined ? await this.#left() : 0;
    const files = (await Promise.all(this.#folders.map(listSegments)))
      .flat()
      .filter(({ state }) => state !== 'refused');
    if (unmade === 0 && this.#ends === undefined) {
      this.#ends = new Map();
      for (const file of files) await this.#mark(file, this.#ends);
    }
    const offsets = new Map<string, number>();
    for (const file of files) offsets.set(file.name, (await readPosition(file))?.end.offset ?? 0);
    const ends = this.#ends;
    const hasMoved =
      unmade < this.#unmade || [...this.#offsets].some(([name, offset]) => offsets.get(name) !== offset);
    this.#unmade = unmade;
    this.#offsets = offsets;
    const isPassed =
      ends !== undefined && [...ends].every(([name, end]) => (offsets.get(name) ?? Infinity) >= end);
    return { isPassed, hasMoved };
  }

  async #left(): Promise<number> {
    const { preludes } = await this.#count.look();
    return preludes.reduce((sum, { events }) => sum + events, 0);
  }

  async #mark(file: SegmentFile, ends: Map<string, number>): Promise<void> {
    const path = segmentPath(file);
    if ((await countEvents(path)) > 0) ends.set(file.name, await sizeOf(path));
  }
}
