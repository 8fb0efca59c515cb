import type { EventQueue } from './event-queue.js';
import { sizeInMemory, type EventBatch } from './monitor-event.js';

const MAX_BYTES = 64 * 1024 * 1024;

/** An {@link EventQueue} that lives as long as the process. */
export class MemoryEventQueue implements EventQueue {
  readonly #maxBytes: number;
  readonly #batches: EventBatch[] = [];
  /** Whether the first batch is being delivered. */
  #isFirstTaken = false;
  #bytes = 0;
  #eventCount = 0;

  constructor(options: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  async add(batch: EventBatch): Promise<number> {
    this.#batches.push(batch);
    this.#count(batch, 1);
    let dropped = 0;
    // The newest always stays, and so does one that is on its way.
    const oldest = this.#isFirstTaken ? 1 : 0;
    while (this.#bytes > this.#maxBytes && this.#batches.length > oldest + 1) {
      const [gone] = this.#batches.splice(oldest, 1);
      if (gone === undefined) break;
      this.#count(gone, -1);
      dropped += gone.events.length;
    }
    return dropped;
  }

  async first(): Promise<EventBatch | undefined> {
    this.#isFirstTaken = this.#batches.length > 0;
    return this.#batches[0];
  }

  async removeFirst(): Promise<void> {
    const gone = this.#batches.shift();
    this.#isFirstTaken = false;
    if (gone !== undefined) this.#count(gone, -1);
  }

  #count(batch: EventBatch, sign: 1 | -1): void {
    this.#eventCount += sign * batch.events.length;
    for (const event of batch.events) this.#bytes += sign * sizeInMemory(event);
  }
}
