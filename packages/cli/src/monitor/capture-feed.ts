import type { Clock } from '@kilometers/auth';
import type { RingWriter } from './capture-ring.js';
import type { Direction } from './monitor-event.js';
import type { Prelude } from './prelude.js';
import type { RingRecord } from './ring-record.js';

const NEWLINE = 0x0a;

/** Once half of the ring is taken, of a stretch this long without a newline only the ends are copied. */
const LONG_BYTES = 16 * 1024;
const HEAD_BYTES = 4 * 1024;
const TAIL_BYTES = 1024;

/** Traffic is held back for a reader that goes on, and no longer than this for one that does not. */
const PATIENCE_MS = 200;
const POLL_MS = 1;
/** How often what was missed is told, at the end, to a reader that does not go on. */
const LAST_TRIES = 50;

type Missed = { bytes: number; lines: number; endsLine: boolean };

export type CaptureFeedOptions = {
  readonly ring: RingWriter;
  readonly clock: Clock;
  /** Is told of all that goes into the ring, while it wants to be. */
  readonly prelude: Pick<Prelude, 'note'> | undefined;
  /** Wakes the thread that reads. */
  readonly wake: () => void;
  /** Traffic that was held back may go on. */
  readonly onRoom: () => void;
};

/**
 * Hands copies of the traffic to the thread that looks at it. When that falls behind, long messages are handed over by
 * their ends, then the traffic is held back; when it does not go on at all, what went through is only counted.
 */
export class CaptureFeed {
  readonly #options: CaptureFeedOptions;
  /** Records that found no room. */
  #held: RingRecord[] = [];
  #missed: Partial<Record<Direction, Missed>> | undefined;
  readonly #onSettled: (() => void)[] = [];
  #isOff = false;

  constructor(options: CaptureFeedOptions) {
    this.#options = options;
  }

  /** How many responses the client waits for. */
  get awaitedAnswers(): number {
    return this.#isOff ? 0 : this.#options.ring.awaited;
  }

  /** Takes bytes that went through, and copies them. `false`: read no more before there is room. */
  see(direction: Direction, chunk: Buffer): boolean {
    if (this.#isOff) return true;
    if (this.#missed !== undefined && !this.#catchUp()) {
      this.#miss(direction, chunk);
      return true;
    }
    const { ring } = this.#options;
    if (chunk.length > LONG_BYTES && ring.usedBytes > ring.capacity / 2) this.#abbreviate(direction, chunk);
    else this.#add({ kind: 'bytes', ...this.#from(direction), bytes: chunk });
    if (ring.takeIdle()) this.#options.wake();
    return this.#held.length === 0;
  }

  /** Takes the end of a stream. */
  end(direction: Direction): void {
    if (this.#isOff) return;
    if (this.#missed !== undefined) this.#tellMissed(false);
    this.#add({ kind: 'end', ...this.#from(direction) });
    if (this.#options.ring.takeIdle()) this.#options.wake();
  }

  /** Resolves when all that was taken is in the ring, with what was missed of it, or given up. No more comes. */
  async settled(): Promise<void> {
    for (let tries = 0; tries < LAST_TRIES && !this.#isOff; tries += 1) {
      if (this.#held.length === 0 && this.#missed !== undefined) this.#tellMissed(true);
      if (this.#held.length === 0) return;
      await new Promise<void>((resolve) => this.#onSettled.push(resolve));
    }
  }

  /** Nobody reads any more: takes nothing from now on, and holds nothing back. */
  turnOff(): void {
    this.#isOff = true;
    this.#held = [];
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#onSettled.splice(0)) resolve();
    this.#options.onRoom();
  }

  #from(direction: Direction) {
    const { clock } = this.#options;
    return { direction, wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }

  #add(record: RingRecord): void {
    this.#options.prelude?.note(record);
    if (this.#held.length === 0 && this.#options.ring.write(record)) return;
    // The bytes are only lent.
    this.#held.push(record.kind === 'bytes' ? { ...record, bytes: Buffer.from(record.bytes) } : record);
    if (this.#held.length === 1) this.#wait(this.#options.ring.progress, 0);
  }

  #abbreviate(direction: Direction, chunk: Buffer): void {
    const from = this.#from(direction);
    const copy = (start: number, end: number) => {
      if (end > start) this.#add({ kind: 'bytes', ...from, bytes: chunk.subarray(start, end) });
    };
    const copyEnds = (start: number, end: number) => {
      if (end - start <= LONG_BYTES) {
        copy(start, end);
        return;
      }
      copy(start, start + HEAD_BYTES);
      this.#add({ kind: 'skipped', ...from, size: end - start - HEAD_BYTES - TAIL_BYTES });
      copy(end - TAIL_BYTES, end);
    };
    const first = chunk.indexOf(NEWLINE);
    if (first === -1) {
      copyEnds(0, chunk.length);
      return;
    }
    const last = chunk.lastIndexOf(NEWLINE);
    copyEnds(0, first);
    copy(first, last + 1);
    copyEnds(last + 1, chunk.length);
  }

  /** Waits until there is room for what is held, as long as the reader goes on. */
  #wait(progress: number, stalledMs: number): void {
    const { clock, ring, wake } = this.#options;
    clock.schedule(
      () => {
        if (ring.takeIdle()) wake();
        while (this.#held[0] !== undefined && ring.write(this.#held[0])) this.#held.shift();
        if (this.#held.length === 0) {
          this.#settle();
        } else if (ring.progress !== progress) {
          this.#wait(ring.progress, 0);
        } else if (stalledMs < PATIENCE_MS) {
          this.#wait(progress, stalledMs + POLL_MS);
        } else {
          for (const record of this.#held.splice(0)) this.#missRecord(record);
          this.#settle();
        }
      },
      POLL_MS,
      true,
    );
  }

  #missRecord(record: RingRecord): void {
    if (record.kind === 'bytes') this.#miss(record.direction, record.bytes);
    if (record.kind === 'bytes' || record.kind === 'end') return;
    const missed = this.#missedOf(record.direction);
    missed.bytes += record.size;
    if (record.kind !== 'missed') return;
    missed.lines += record.lines;
    missed.endsLine = record.endsLine;
  }

  #miss(direction: Direction, chunk: Buffer): void {
    const missed = this.#missedOf(direction);
    missed.bytes += chunk.length;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) missed.lines += 1;
    missed.endsLine = chunk.at(-1) === NEWLINE;
  }

  #missedOf(direction: Direction): Missed {
    this.#missed ??= {};
    return (this.#missed[direction] ??= { bytes: 0, lines: 0, endsLine: false });
  }

  /** Tells what was missed once the reader has caught up with half of the ring; `false` before that. */
  #catchUp(): boolean {
    const { ring } = this.#options;
    if (ring.usedBytes > ring.capacity / 2) return false;
    this.#tellMissed(false);
    return true;
  }

  /** @param isOver whether nothing comes after it, not even the end of a line. */
  #tellMissed(isOver: boolean): void {
    const missed = this.#missed ?? {};
    this.#missed = undefined;
    for (const direction of ['outbound', 'inbound'] as const) {
      const { bytes = 0, lines = 0, endsLine = false } = missed[direction] ?? {};
      if (bytes === 0) continue;
      const from = this.#from(direction);
      if (lines === 0 && !isOver) this.#add({ kind: 'skipped', ...from, size: bytes });
      else this.#add({ kind: 'missed', ...from, size: bytes, lines, endsLine });
    }
  }
}
