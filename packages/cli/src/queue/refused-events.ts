import type { Clock } from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import { encodeEvent } from './event-record.js';
import { beginEventSegment, type EventPlace } from './event-segment.js';
import type { SegmentKeys } from './segment-keys.js';
import type { SegmentWriter } from './segment-writer.js';

/** Keeps the events that the API will not have, sealed, beside the queue. */
export class RefusedEvents {
  readonly #options: { readonly keys: SegmentKeys; readonly clock: Clock };
  #writer: { readonly folder: string; readonly writer: SegmentWriter } | undefined;

  constructor(options: { readonly keys: SegmentKeys; readonly clock: Clock }) {
    this.#options = options;
  }

  /** Whether it could be kept. */
  async keep(event: MonitorEvent, place: EventPlace): Promise<boolean> {
    try {
      if (await this.#append(event, place)) return true;
      // What was set aside was removed meanwhile, by a human or to make room: this one was not meant.
      await this.close();
      return await this.#append(event, place);
    } catch {
      await this.close();
      return false;
    }
  }

  async close(): Promise<void> {
    const writer = this.#writer?.writer;
    this.#writer = undefined;
    await writer?.close().catch(() => undefined);
  }

  /** Whether it is where it can be found. */
  async #append(event: MonitorEvent, place: EventPlace): Promise<boolean> {
    const { folder } = place;
    if (this.#writer?.folder !== folder) await this.close();
    const { writer } = (this.#writer ??= {
      folder,
      writer: await beginEventSegment(place, this.#options, 'refused'),
    });
    await writer.append([encodeEvent(event)]);
    return writer.isInPlace();
  }
}
