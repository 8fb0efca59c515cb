import { RecordMemory } from './ring-record.js';

/** Words at the start of the memory, for both threads. */
export const WRITTEN = 0;
export const READ = 1;
export const IDLE = 2;
export const AWAITED = 3;
/** How many blocks the reader gave back. */
export const GIVEN_BACK = 4;
const CAPACITY = 5;
/** From here on two words a block: whether it is taken, and the block that follows it. */
const BLOCKS = 16;

/** The memory is taken in pieces of this size, or a quarter of it where it is small. */
const BLOCK_BYTES = 256 * 1024;

function blockBytesOf(capacity: number): number {
  return Math.min(BLOCK_BYTES, capacity / 4);
}

function controlBytesOf(capacity: number): number {
  return 4 * (BLOCKS + 2 * (capacity / blockBytesOf(capacity)));
}

/** The memory that two threads share; `capacity` is a power of two. */
export function createRingMemory(capacity: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(controlBytesOf(capacity) + capacity);
  new Int32Array(memory)[CAPACITY] = capacity;
  const { control, taken } = new Ring(memory);
  // Both begin there.
  control[taken(0)] = 1;
  return memory;
}

/**
 * A queue from one thread to another, in memory that both share: one writes, the other reads, neither waits. A block that
 * was read is the next that is written, the first of them first: memory that was never needed is not touched, for the system
 * gives it only then, which takes its time. Positions are counted on and on, modulo 2^32.
 */
export class Ring {
  readonly control: Int32Array;
  readonly records: RecordMemory;
  readonly capacity: number;
  readonly blockBytes: number;
  readonly blocks: number;

  constructor(memory: SharedArrayBuffer) {
    const [capacity = 0] = new Int32Array(memory, 4 * CAPACITY, 1);
    this.capacity = capacity;
    this.blockBytes = blockBytesOf(capacity);
    this.blocks = capacity / this.blockBytes;
    this.control = new Int32Array(memory, 0, controlBytesOf(capacity) / 4);
    this.records = new RecordMemory(memory, controlBytesOf(capacity));
  }

  /** The word that says whether a block is taken. */
  readonly taken = (block: number): number => BLOCKS + 2 * block;

  /** The word that says which block follows one. */
  readonly next = (block: number): number => BLOCKS + 2 * block + 1;
}
