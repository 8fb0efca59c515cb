import { Capture } from '../monitor/capture.js';
import { sizeInMemory, type MonitorEvent } from '../monitor/monitor-event.js';
import { showTo } from '../monitor/recorder.js';
import { createRedactor } from '../monitor/redaction.js';
import type { PreludeDescription } from './prelude-description.js';
import type { PreludeProgress } from './prelude-progress.js';
import { decodeRingRecords } from './prelude-record.js';
import { FIRST_RECORD, type SegmentReader } from './segment-reader.js';

/** Makes events of what passed, in its order. */
export class PreludeReader {
  readonly description: PreludeDescription;
  /** When the last event happened that was made of it before, in milliseconds since the epoch; `undefined` where none was. */
  readonly madeUntilMs: number | undefined;
  readonly #reader: SegmentReader;
  #capture: Capture;
  /** What was made of it before: that is made again, and left out. */
  #before: Pick<PreludeProgress, 'events' | 'lastId'> | undefined;
  /** Whether not the same came of it. */
  #isOther = false;
  #count = 0;
  #last: MonitorEvent | undefined;
  #events: MonitorEvent[] = [];
  #bytes = 0;

  /** @param reader has read the description. */
  constructor(
    reader: SegmentReader,
    description: PreludeDescription,
    before?: Pick<PreludeProgress, 'events' | 'lastId' | 'atMs'>,
  ) {
    this.description = description;
    this.madeUntilMs = before?.atMs;
    this.#reader = reader;
    this.#before = before;
    this.#capture = this.#createCapture();
  }

  /** What did not open so far. */
  get damage(): string | undefined {
    return this.#reader.damage;
  }

  /** What events were made of so far, in all; `undefined` before the first. */
  get progress(): PreludeProgress | undefined {
    if (this.#last === undefined) return undefined;
    const { id, timestamp } = this.#last;
    return { events: this.#count, lastId: id, atMs: Date.parse(timestamp), end: this.#reader.position };
  }

  /** The next events, of which about `bytes` are enough; none at the end. */
  async next(bytes: number): Promise<readonly MonitorEvent[]> {
    while (this.#bytes < bytes) {
      const sealed = await this.#reader.next();
      for (const record of sealed === undefined ? [] : decodeRingRecords(sealed)) {
        showTo(this.#capture, record);
      }
      if (this.#isOther || (sealed === undefined && this.#isBehind)) await this.#beginAgain();
      else if (sealed === undefined) break;
    }
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    return events;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  /** Whether less was made of it than before. */
  get #isBehind(): boolean {
    return this.#count < (this.#before?.events ?? 0);
  }

  #createCapture(): Capture {
    const { correlationId, redact, maxPayloadBytes, from } = this.description;
    return new Capture({
      correlationId,
      notify: () => undefined,
      onEvent: (event) => this.#take(event),
      redact: createRedactor(redact),
      from,
      ...(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }),
    });
  }

  #take(event: MonitorEvent): void {
    const { events, lastId } = this.#before ?? { events: 0, lastId: '' };
    this.#count += 1;
    this.#last = event;
    if (this.#count === events && event.id !== lastId) this.#isOther = true;
    if (this.#count <= events) return;
    this.#events.push(event);
    this.#bytes += sizeInMemory(event);
  }

  /** What was made before cannot be told from the rest: all is handed out. Sent twice it is stored once. */
  async #beginAgain(): Promise<void> {
    this.#before = undefined;
    this.#isOther = false;
    [this.#count, this.#last, this.#events, this.#bytes] = [0, undefined, [], 0];
    this.#capture = this.#createCapture();
    this.#reader.skipTo(FIRST_RECORD);
    await this.#reader.next();
  }
}
