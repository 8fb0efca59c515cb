import { AWAITED, GIVEN_BACK, IDLE, READ, Ring, WRITTEN } from './ring-memory.js';
import { HEADER_BYTES, type RingRecord } from './ring-record.js';

const EMPTY = Buffer.alloc(0);

/** The thread that the traffic runs on. */
export class RingWriter {
  readonly #ring: Ring;
  #written = 0;
  #block = 0;
  /** Where in the block. */
  #place = 0;
  #blocksTaken = 1;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** How many bytes of the ring are taken. */
  get usedBytes(): number {
    return (this.#written - Atomics.load(this.#ring.control, READ)) >>> 0;
  }

  get capacity(): number {
    return this.#ring.capacity;
  }

  /** How far the reader has come: a number that changes as it goes on. */
  get progress(): number {
    return Atomics.load(this.#ring.control, READ);
  }

  /** Whether the reader sleeps and has to be woken; asked once, the answer is then `false`. */
  takeIdle(): boolean {
    return (
      Atomics.load(this.#ring.control, IDLE) === 1 && Atomics.exchange(this.#ring.control, IDLE, 0) === 1
    );
  }

  /** What the reader said of {@link RingReader.tellAwaited}. */
  get awaited(): number {
    return Atomics.load(this.#ring.control, AWAITED);
  }

  /** Adds a record; `false`, with nothing added, where there is no room. */
  write(record: RingRecord): boolean {
    const { control, blockBytes } = this.#ring;
    const bytes = record.kind === 'bytes' ? record.bytes : EMPTY;
    // Bytes that reach over the end of a block go on in another, as a record of their own.
    let at = Math.min(bytes.length, blockBytes - this.#place - HEADER_BYTES);
    const more = blocksFor(bytes.length, at, blockBytes);
    if (more > this.#freeBlocks) return false;
    // Where not even a header fits the reader sees that as well.
    if (at >= 0) this.#put(record, bytes.subarray(0, at));
    for (let block = 0; block < more; block += 1) {
      this.#goOn();
      const begin = Math.max(0, at);
      at = begin + blockBytes - HEADER_BYTES;
      this.#put(record, bytes.subarray(begin, at));
    }
    Atomics.store(control, WRITTEN, this.#written);
    return true;
  }

  get #freeBlocks(): number {
    const { control, blocks } = this.#ring;
    return blocks - ((this.#blocksTaken - Atomics.load(control, GIVEN_BACK)) | 0);
  }

  /** Takes the first block that is free. */
  #goOn(): void {
    const { control, taken, next } = this.#ring;
    let free = 0;
    while (Atomics.load(control, taken(free)) === 1) free += 1;
    Atomics.store(control, taken(free), 1);
    Atomics.store(control, next(this.#block), free);
    this.#blocksTaken = (this.#blocksTaken + 1) | 0;
    this.#block = free;
    this.#place = 0;
  }

  #put(record: RingRecord, bytes: Buffer): void {
    const { records, blockBytes } = this.#ring;
    const space = records.put(this.#block * blockBytes + this.#place, record, bytes);
    this.#place += space;
    this.#written = (this.#written + space) | 0;
  }
}

/** How many blocks more a record with so many bytes takes, of which `first` find room in the one at hand. */
function blocksFor(bytes: number, first: number, blockBytes: number): number {
  if (first === bytes) return 0;
  return Math.max(1, Math.ceil((bytes - Math.max(0, first)) / (blockBytes - HEADER_BYTES)));
}

/** Whether a position comes before another: they are no further apart than the ring is large. */
export function isBefore(position: number, other: number): boolean {
  return ((position - other) | 0) < 0;
}

/** Records as they stand in the ring. */
export type RingPiece = {
  readonly bytes: Buffer;
  /** When the last of them passed, on the monotonic clock. */
  readonly lastAtMs: number;
  /** The position behind them. */
  readonly end: number;
};

/** The thread that looks at the traffic. */
export class RingReader {
  readonly #ring: Ring;
  #read = 0;
  #block = 0;
  #place = 0;
  /** The block with what is lent, and whether all else of it was read. */
  #lent: { readonly block: number; isRead: boolean } | undefined;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** The position behind all that is written by now. */
  get end(): number {
    return Atomics.load(this.#ring.control, WRITTEN);
  }

  /** Takes the oldest records: about `maxBytes` at most, and one at least where there is one. */
  take(maxBytes: number): RingPiece | undefined {
    const piece = this.#next(maxBytes);
    if (piece === undefined) return undefined;
    // Memory of its own: what stands there is written over.
    const bytes = Buffer.allocUnsafeSlow(piece.bytes.length);
    piece.bytes.copy(bytes);
    Atomics.store(this.#ring.control, READ, this.#read);
    return { ...piece, bytes };
  }

  /** As {@link take}, without a copy: its bytes are good until {@link giveBack}, and until then there is no other such piece. */
  lend(maxBytes: number): RingPiece | undefined {
    const piece = this.#next(maxBytes);
    if (piece !== undefined) this.#lent = { block: this.#block, isRead: false };
    return piece;
  }

  /** What was lent, if anything, is not needed any more. */
  giveBack(): void {
    const lent = this.#lent;
    if (lent === undefined) return;
    this.#lent = undefined;
    if (lent.isRead) this.#free(lent.block);
    Atomics.store(this.#ring.control, READ, this.#read);
  }

  #next(maxBytes: number): RingPiece | undefined {
    const { records, control, blockBytes } = this.#ring;
    const written = Atomics.load(control, WRITTEN);
    if (written === this.#read) return undefined;
    if (blockBytes - this.#place < HEADER_BYTES) this.#goOn();
    const from = this.#block * blockBytes;
    const begin = this.#place;
    const end = Math.min(begin + ((written - this.#read) >>> 0), blockBytes);
    let [at, lastAtMs] = [begin, 0];
    // Where the block ends there may be no room for a header.
    while (at + HEADER_BYTES <= end && at - begin < maxBytes) {
      lastAtMs = records.momentAt(from + at);
      at += records.spaceAt(from + at);
    }
    this.#place = at;
    this.#read = (this.#read + at - begin) | 0;
    return { bytes: records.view(from + begin, from + at), lastAtMs, end: this.#read };
  }

  #goOn(): void {
    const { control, next } = this.#ring;
    const read = this.#block;
    this.#block = Atomics.load(control, next(read));
    this.#place = 0;
    if (this.#lent?.block === read) this.#lent.isRead = true;
    else this.#free(read);
  }

  #free(block: number): void {
    const { control, taken } = this.#ring;
    Atomics.store(control, taken(block), 0);
    Atomics.add(control, GIVEN_BACK, 1);
  }

  /** Says that it must be woken; `false` where something came meanwhile. */
  sleep(): boolean {
    const { control } = this.#ring;
    Atomics.store(control, IDLE, 1);
    if (Atomics.load(control, WRITTEN) === this.#read) return true;
    return Atomics.exchange(control, IDLE, 0) === 0;
  }

  /** Tells the writer how many responses the client waits for. */
  tellAwaited(count: number): void {
    Atomics.store(this.#ring.control, AWAITED, count);
  }
}
