import { sizeInMemory, type MonitorEvent } from '../monitor/monitor-event.js';
import type { WrittenRecord } from './journal-segments.js';

/** Events that cannot be written may take so much memory; then the oldest are given up. */
const MAX_MEMORY_BYTES = 16 * 1024 * 1024;

/** An event in memory. Once it is written, only a batch on its way still holds it. */
export type WaitingEvent = {
  readonly event: MonitorEvent;
  /** On the monotonic clock. */
  readonly addedAtMs: number;
  /** `taken`: on its way to the API. `gone`: delivered. */
  state: 'waiting' | 'taken' | 'gone';
  /** Where it is on the disk, once it is there. */
  written: WrittenRecord | undefined;
};

/** The events that are in memory only, oldest first. Those that are taken come before those that wait. */
export class WaitingEvents {
  readonly #onDropped: (count: number) => void;
  readonly #mayBeWritten: () => boolean;
  #events: WaitingEvent[] = [];
  #taken = 0;
  #bytes = 0;

  /**
   * @param onDropped is told how many of the oldest were given up because they took too much memory.
   * @param mayBeWritten whether they leave memory for the disk soon: then none is given up.
   */
  constructor(onDropped: (count: number) => void, mayBeWritten: () => boolean) {
    this.#onDropped = onDropped;
    this.#mayBeWritten = mayBeWritten;
  }

  get size(): number {
    return this.#events.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: MonitorEvent, addedAtMs: number): void {
    this.#events.push({ event, addedAtMs, state: 'waiting', written: undefined });
    this.#bytes += sizeInMemory(event);
    this.#giveUpOldest();
  }

  /** The oldest that nobody has taken. */
  peek(): WaitingEvent | undefined {
    return this.#events[this.#taken];
  }

  take(): WaitingEvent | undefined {
    const entry = this.peek();
    if (entry === undefined) return undefined;
    this.#taken += 1;
    entry.state = 'taken';
    return entry;
  }

  /** Takes back what was taken and not delivered. */
  putBack(entries: readonly WaitingEvent[]): void {
    for (const entry of entries) if (entry.state === 'taken') entry.state = 'waiting';
    this.#replace(this.#events);
  }

  /** Forgets what is delivered. */
  settle(entries: readonly WaitingEvent[]): void {
    for (const entry of entries) entry.state = 'gone';
    this.#replace(this.#events);
  }

  /** All of them, to be written; none is left. */
  drain(): readonly WaitingEvent[] {
    const entries = this.#events;
    this.#replace([]);
    return entries;
  }

  /** Takes back those that could not be written, before all that came meanwhile. */
  restore(entries: readonly WaitingEvent[]): void {
    this.#replace([...entries, ...this.#events]);
    this.#giveUpOldest();
  }

  #replace(entries: readonly WaitingEvent[]): void {
    this.#events = entries.filter(({ state }) => state !== 'gone');
    this.#taken = this.#events.filter(({ state }) => state === 'taken').length;
    this.#bytes = this.#events.reduce((bytes, { event }) => bytes + sizeInMemory(event), 0);
  }

  #giveUpOldest(): void {
    if (this.#bytes <= MAX_MEMORY_BYTES || this.#mayBeWritten()) return;
    let count = 0;
    let bytes = this.#bytes;
    // The newest always stays, and so does what is on its way.
    while (bytes > MAX_MEMORY_BYTES && this.#events.length - this.#taken - count > 1) {
      const oldest = this.#events[this.#taken + count];
      if (oldest === undefined) break;
      bytes -= sizeInMemory(oldest.event);
      count += 1;
    }
    if (count === 0) return;
    this.#events.splice(this.#taken, count);
    this.#bytes = bytes;
    this.#onDropped(count);
  }
}
