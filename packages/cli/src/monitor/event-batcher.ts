import type { Clock } from '@kilometers/auth';
import { sizeInMemory, type EventBatch, type MonitorEvent } from './monitor-event.js';

const MAX_EVENTS = 10;
const MAX_AGE_MS = 2_000;
const MAX_BYTES = 1024 * 1024;

export type EventBatcherOptions = {
  readonly correlationId: string;
  readonly cliVersion: string;
  readonly clock: Clock;
  readonly onBatch: (batch: EventBatch) => void;
};

/** Gathers events into batches: ten of them, a mebibyte, or what came within two seconds. */
export class EventBatcher {
  readonly #options: EventBatcherOptions;
  #events: MonitorEvent[] = [];
  #bytes = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: EventBatcherOptions) {
    this.#options = options;
  }

  add(event: MonitorEvent): void {
    const bytes = sizeInMemory(event);
    if (this.#bytes + bytes > MAX_BYTES) this.flush();
    this.#events.push(event);
    this.#bytes += bytes;
    if (this.#events.length >= MAX_EVENTS) this.flush();
    else this.#cancelTimer ??= this.#options.clock.schedule(() => this.flush(), MAX_AGE_MS, false);
  }

  /** Closes the batch at hand, if there is anything in it. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#events.length === 0) return;
    const { correlationId, cliVersion, clock, onBatch } = this.#options;
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    onBatch({ events, correlationId, cliVersion, batchTimestamp: new Date(clock.nowMs()).toISOString() });
  }
}
