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

/** Before each record: kind and direction, length of the bytes, two moments, two counts and a flag. */
export const HEADER_BYTES = 48;
const RECORD_ALIGNMENT = 16;

/** What a record with so many bytes takes. */
function spaceFor(length: number): number {
  return Math.ceil((HEADER_BYTES + length) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}

/** Memory that records stand in, one after the other. Positions are bytes from its start. */
export class RecordMemory {
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory: ArrayBufferLike, from: number) {
    const size = memory.byteLength - from;
    this.#bytes = Buffer.from(memory, from, size);
    this.#words = new Int32Array(memory, from, size / 4);
    this.#numbers = new Float64Array(memory, from, size / 8);
  }

  /** Writes a record with these of its bytes; returns what it takes. */
  put(at: number, record: RingRecord, bytes: Buffer): number {
    const [words, numbers] = [this.#words, this.#numbers];
    words[at / 4] = KINDS.indexOf(record.kind) * 2 + DIRECTIONS.indexOf(record.direction);
    words[at / 4 + 1] = bytes.length;
    numbers[at / 8 + 1] = record.wallMs;
    numbers[at / 8 + 2] = record.monotonicMs;
    numbers[at / 8 + 3] = 'size' in record ? record.size : 0;
    numbers[at / 8 + 4] = 'lines' in record ? record.lines : 0;
    numbers[at / 8 + 5] = 'endsLine' in record && record.endsLine ? 1 : 0;
    if (bytes.length > 0) this.#bytes.set(bytes, at + HEADER_BYTES);
    return spaceFor(bytes.length);
  }

  /** The record; its bytes are a view of this memory. */
  recordAt(at: number): RingRecord {
    const numbers = this.#numbers;
    const tag = this.#words[at / 4] ?? 0;
    const direction = DIRECTIONS[tag & 1] ?? 'outbound';
    const kind = KINDS[tag >> 1] ?? 'end';
    const from = { direction, wallMs: numbers[at / 8 + 1] ?? 0, monotonicMs: this.momentAt(at) };
    const size = numbers[at / 8 + 3] ?? 0;
    switch (kind) {
      case 'bytes': {
        const begin = at + HEADER_BYTES;
        return { kind, ...from, bytes: this.#bytes.subarray(begin, begin + this.#lengthAt(at)) };
      }
      case 'skipped':
        return { kind, ...from, size };
      case 'missed':
        return { kind, ...from, size, lines: numbers[at / 8 + 4] ?? 0, endsLine: numbers[at / 8 + 5] === 1 };
      case 'end':
        return { kind, ...from };
    }
  }

  /** When the record passed, on the monotonic clock. */
  momentAt(at: number): number {
    return this.#numbers[at / 8 + 2] ?? 0;
  }

  /** What the record takes. */
  spaceAt(at: number): number {
    return spaceFor(this.#lengthAt(at));
  }

  /** What stands here, for as long as it does. */
  view(begin: number, end: number): Buffer {
    return this.#bytes.subarray(begin, end);
  }

  #lengthAt(at: number): number {
    return this.#words[at / 4 + 1] ?? 0;
  }
}

/**
 * The records in bytes that were taken out of a ring; their bytes are good as long as those. Where those are no memory of
 * their own, they are copied.
 */
export function* recordsIn(bytes: Buffer): Generator<RingRecord, undefined> {
  const { buffer, byteOffset, length } = bytes;
  const isAligned = byteOffset % RECORD_ALIGNMENT === 0 && buffer.byteLength % RECORD_ALIGNMENT === 0;
  const memory = isAligned
    ? new RecordMemory(buffer, byteOffset)
    : new RecordMemory(new Uint8Array(bytes).buffer, 0);
  for (let at = 0; at + HEADER_BYTES <= length; at += memory.spaceAt(at)) yield memory.recordAt(at);
}
