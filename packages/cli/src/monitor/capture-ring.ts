import type { Direction } from './monitor-event.js';

/** What is told through the ring about one direction. */
export type RingRecord = {
  readonly direction: Direction;
  readonly wallMs: number;
  readonly monotonicMs: number;
} & (
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** So many bytes of one line went through unseen. */
  | { readonly kind: 'skipped'; readonly size: number }
  /** So many bytes went through unseen, with so many ends of lines among them; is the last of them the end of a line? */
  | { readonly kind: 'missed'; readonly size: number; readonly lines: number; readonly endsLine: boolean }
  | { readonly kind: 'end' }
);

const KINDS = ['bytes', 'skipped', 'missed', 'end'] as const;
const DIRECTIONS = ['outbound', 'inbound'] as const;

/** Words at the start of the memory, for both threads. */
const WRITTEN = 0;
const READ = 1;
const IDLE = 2;
const AWAITED = 3;
/** The position that is the start of the memory. */
const BASE = 4;
const CONTROL_BYTES = 64;

/** Before each record: kind and direction, length of the bytes, two moments, two counts and a flag. */
const HEADER_BYTES = 48;
const ALIGNMENT = 16;
const EMPTY = Buffer.alloc(0);

/** The memory that two threads share; `capacity` is a power of two. */
export function createRingMemory(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(CONTROL_BYTES + capacity);
}

/**
 * A queue from one thread to another, in memory that both share: one writes, the other reads, neither waits. Positions
 * are counted on and on, modulo 2^32.
 */
class Ring {
  readonly control: Int32Array;
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  readonly capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.bytes = Buffer.from(memory, CONTROL_BYTES, this.capacity);
    this.words = new Int32Array(memory, CONTROL_BYTES, this.capacity / 4);
    this.numbers = new Float64Array(memory, CONTROL_BYTES, this.capacity / 8);
  }
}

/** The thread that the traffic runs on. */
export class RingWriter {
  readonly #ring: Ring;
  #written = 0;
  #base = 0;

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
    const { capacity } = this.#ring;
    const bytes = record.kind === 'bytes' ? record.bytes : EMPTY;
    if (this.usedBytes === 0) {
      // All is read: begun anew at the start, so that memory that is not needed is not touched.
      this.#base = this.#written;
      Atomics.store(this.#ring.control, BASE, this.#base);
    }
    // Bytes that reach over the end of the memory go on at its start, as a record of their own.
    const place = (this.#written - this.#base) & (capacity - 1);
    const first = Math.min(bytes.length, capacity - place - HEADER_BYTES);
    const needed =
      spaceFor(bytes.length) + (first < bytes.length ? HEADER_BYTES + ALIGNMENT : 0) + HEADER_BYTES;
    if (this.usedBytes + needed > capacity) return false;
    if (first < 0) {
      // Not even a header fits: the reader sees that as well as we do.
      this.#written = (this.#written + capacity - place) | 0;
      this.#put(record, bytes);
    } else {
      this.#put(record, bytes.subarray(0, first));
      if (first < bytes.length) this.#put(record, bytes.subarray(first));
    }
    Atomics.store(this.#ring.control, WRITTEN, this.#written);
    return true;
  }

  #put(record: RingRecord, bytes: Buffer): void {
    const { capacity, words, numbers } = this.#ring;
    const place = (this.#written - this.#base) & (capacity - 1);
    words[place / 4] = KINDS.indexOf(record.kind) * 2 + DIRECTIONS.indexOf(record.direction);
    words[place / 4 + 1] = bytes.length;
    numbers[place / 8 + 1] = record.wallMs;
    numbers[place / 8 + 2] = record.monotonicMs;
    numbers[place / 8 + 3] = 'size' in record ? record.size : 0;
    numbers[place / 8 + 4] = 'lines' in record ? record.lines : 0;
    numbers[place / 8 + 5] = 'endsLine' in record && record.endsLine ? 1 : 0;
    if (bytes.length > 0) this.#ring.bytes.set(bytes, place + HEADER_BYTES);
    this.#written = (this.#written + spaceFor(bytes.length)) | 0;
  }
}

/** The thread that looks at the traffic. */
export class RingReader {
  readonly #ring: Ring;
  #read = 0;
  /** Where the bytes of a record are copied to. */
  #copy = Buffer.alloc(64 * 1024);

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Takes the oldest record; its bytes are good until the next is taken. */
  read(): RingRecord | undefined {
    const { capacity, words, numbers, control } = this.#ring;
    if (Atomics.load(control, WRITTEN) === this.#read) return undefined;
    let place = (this.#read - Atomics.load(control, BASE)) & (capacity - 1);
    if (capacity - place < HEADER_BYTES) {
      this.#read = (this.#read + capacity - place) | 0;
      place = 0;
    }
    const tag = words[place / 4] ?? 0;
    const length = words[place / 4 + 1] ?? 0;
    const at = place / 8;
    const [wallMs, monotonicMs] = [numbers[at + 1] ?? 0, numbers[at + 2] ?? 0];
    const [size, lines, endsLine] = [numbers[at + 3] ?? 0, numbers[at + 4] ?? 0, numbers[at + 5] === 1];
    if (length > this.#copy.length) this.#copy = Buffer.alloc(length);
    const bytes = this.#copy.subarray(0, length);
    this.#ring.bytes.copy(bytes, 0, place + HEADER_BYTES, place + HEADER_BYTES + length);
    this.#read = (this.#read + spaceFor(length)) | 0;
    Atomics.store(control, READ, this.#read);
    const direction = DIRECTIONS[tag & 1] ?? 'outbound';
    const kind = KINDS[tag >> 1] ?? 'end';
    const from = { direction, wallMs, monotonicMs };
    switch (kind) {
      case 'bytes':
        return { kind, ...from, bytes };
      case 'skipped':
        return { kind, ...from, size };
      case 'missed':
        return { kind, ...from, size, lines, endsLine };
      case 'end':
        return { kind, ...from };
    }
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

function spaceFor(length: number): number {
  return Math.ceil((HEADER_BYTES + length) / ALIGNMENT) * ALIGNMENT;
}
