import type { EventBatch } from './monitor-event.js';

/** Batches that wait for delivery, in order. Bounded: what does not fit pushes out the oldest. */
export interface EventQueue {
  /** Adds a batch at the end; resolves with how many events were given up to make room. */
  add(batch: EventBatch): Promise<number>;

  /** The oldest batch. It stays in the queue, safe from being given up, until it is removed. */
  first(): Promise<EventBatch | undefined>;

  /** Removes the batch that `first` gave. */
  removeFirst(): Promise<void>;

  /** How many events wait. */
  readonly eventCount: number;
}
