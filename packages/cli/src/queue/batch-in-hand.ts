import type { SendOutcome } from '../monitor/batch-sender.js';
import { sizeInMemory, type MonitorEvent } from '../monitor/monitor-event.js';
import type { SegmentEvent } from './backlog-segment.js';
import type { WrittenRecord } from './journal-segments.js';
import type { RecordPosition } from './segment-writer.js';
import type { WaitingEvent } from './waiting-events.js';

/** A batch goes when it has so many events, */
export const ENOUGH_EVENTS = 10;
/** or so many bytes, */
const MAX_BYTES = 1024 * 1024;
/** or when its oldest event has waited for so long. */
const MAX_AGE_MS = 2_000;
/** After this many full batches in a row there is much to deliver: each takes twice as many events as the one before it, */
const FULL_IN_A_ROW = 4;
/** up to here. */
const MOST_EVENTS = 1_000;

type Picked = {
  readonly event: MonitorEvent;
  readonly from: WaitingEvent | SegmentEvent;
  /** Since when it has waited, on the monotonic clock. */
  readonly sinceMs: number;
};

/** The events that are sent next, from memory and from the disk. They stay until they are settled. */
export class BatchInHand {
  #picked: Picked[] = [];
  #bytes = 0;
  #fullInARow = 0;
  /** How many events the API takes at once, as far as is known. */
  #mostEvents = MOST_EVENTS;

  get size(): number {
    return this.#picked.length;
  }

  /** Whether it takes no more. */
  get isFull(): boolean {
    return this.#picked.length >= this.#limit || this.#bytes >= MAX_BYTES;
  }

  get #isEnough(): boolean {
    return this.#picked.length >= ENOUGH_EVENTS || this.#bytes >= MAX_BYTES;
  }

  get #limit(): number {
    const doublings = Math.max(0, this.#fullInARow - FULL_IN_A_ROW);
    return Math.min(ENOUGH_EVENTS * 2 ** doublings, this.#mostEvents);
  }

  get events(): readonly MonitorEvent[] {
    return this.#picked.map(({ event }) => event);
  }

  /** Whether an event of that many bytes can go with the others. */
  hasRoomFor(bytes: number): boolean {
    return this.#picked.length === 0 || this.#bytes + bytes <= MAX_BYTES;
  }

  /** Where what came from memory and was written since is on the disk. */
  get written(): readonly WrittenRecord[] {
    return this.#picked.flatMap(({ from }) => ('written' in from ? (from.written ?? []) : []));
  }

  addWaiting(entry: WaitingEvent): void {
    this.#add({ event: entry.event, from: entry, sinceMs: entry.addedAtMs });
  }

  /** @param waitedMs for how long it has waited by now, as far as the clocks tell. */
  addFromDisk(event: SegmentEvent, nowMs: number, waitedMs: number): void {
    this.#add({ event: event.event, from: event, sinceMs: nowMs - Math.max(0, waitedMs) });
  }

  /** How much later it goes though it has not enough; 0 when it is due. `undefined` when it is empty. */
  dueInMs(nowMs: number): number | undefined {
    const [first] = this.#picked;
    if (first === undefined) return undefined;
    return this.#isEnough ? 0 : Math.max(0, first.sinceMs + MAX_AGE_MS - nowMs);
  }

  /** Notes what came of sending the first `count` events, before they are settled. */
  noteSent(count: number, outcome: SendOutcome['type']): void {
    const isFull = outcome === 'delivered' && this.isFull && count === this.size;
    this.#fullInARow = isFull ? this.#fullInARow + 1 : 0;
    if (outcome === 'refused') {
      this.#mostEvents = Math.max(ENOUGH_EVENTS, Math.min(this.#mostEvents, Math.floor(count / 2)));
    }
  }

  /** Takes out the first `count` events, which are settled: those from memory, and up to where segments are. */
  settle(count: number) {
    const settled = this.#picked.splice(0, count);
    for (const { event } of settled) this.#bytes -= sizeInMemory(event);
    const waiting: WaitingEvent[] = [];
    const ends = new Map<string, RecordPosition>();
    for (const { from } of settled) {
      if ('segment' in from) ends.set(from.segment, from.end);
      else waiting.push(from);
    }
    return { waiting, ends };
  }

  /** Takes everything out; resolves with what came from memory. */
  clear(): readonly WaitingEvent[] {
    return this.settle(this.#picked.length).waiting;
  }

  /** Whether an event in it came from memory, or from one of these segments. */
  hasEventOf(segments: ReadonlySet<string>): boolean {
    return this.#picked.some(({ from }) => !('segment' in from) || segments.has(from.segment));
  }

  #add(picked: Picked): void {
    this.#picked.push(picked);
    this.#bytes += sizeInMemory(picked.event);
  }
}
