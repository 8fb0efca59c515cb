import { HEADER_BYTES, RECORD_ALIGNMENT, RecordMemory, spaceFor, type RingRecord } from './ring-record.js';

/** Words at the start of the memory, for both threads. */
const WRITTEN = 0;
const READ = 1;
const IDLE = 2;
const AWAITED = 3;
/** The position that is the start of the memory. */
const BASE = 4;
const CONTROL_BYTES = 64;

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
  readonly records: RecordMemory;
  readonly capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = memory.byteLength - CONTROL_BYTES;
    this.control = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.records = new RecordMemory(memory, CONTROL_BYTES);
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
      spaceFor(bytes.length) + (first < bytes.length ? HEADER_BYTES + RECORD_ALIGNMENT : 0) + HEADER_BYTES;
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
    const place = (this.#written - this.#base) & (this.#ring.capacity - 1);
    this.#written = (this.#written + this.#ring.records.put(place, record, bytes)) | 0;
  }
}

/** Records, taken out of the ring as they stood there. */
export type RingPiece = {
  readonly bytes: Buffer;
  /** When the last of them passed, on the monotonic clock. */
  readonly lastAtMs: number;
};

/** The thread that looks at the traffic. */
export class RingReader {
  readonly #ring: Ring;
  #read = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory);
  }

  /** Takes the oldest records: about `maxBytes` at most, and one at least where there is one. */
  take(maxBytes: number): RingPiece | undefined {
    const { capacity, records, control } = this.#ring;
    const written = Atomics.load(control, WRITTEN);
    if (written === this.#read) return undefined;
    let place = (this.#read - Atomics.load(control, BASE)) & (capacity - 1);
    if (capacity - place < HEADER_BYTES) {
      this.#read = (this.#read + capacity - place) | 0;
      place = 0;
    }
    const end = Math.min(place + ((written - this.#read) >>> 0), capacity);
    let [at, lastAtMs] = [place, 0];
    // Where the memory ends there may be no room for a header.
    while (at + HEADER_BYTES <= end && at - place < maxBytes) {
      lastAtMs = records.momentAt(at);
      at += records.spaceAt(at);
    }
    const bytes = records.copy(place, at);
    this.#read = (this.#read + at - place) | 0;
    Atomics.store(control, READ, this.#read);
    return { bytes, lastAtMs };
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
