import type { Clock } from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import type { JournalPlace } from './journal-segments.js';
import { encodeEvent } from './event-record.js';
import type { SegmentKeys } from './segment-keys.js';
import { SegmentWriter } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** Keeps the events that the API will not have, sealed, beside the queue. */
export class RefusedEvents {
  readonly #options: { readonly keys: SegmentKeys; readonly clock: Clock };
  #writer: { readonly folder: string; readonly writer: SegmentWriter } | undefined;

  constructor(options: { readonly keys: SegmentKeys; readonly clock: Clock }) {
    this.#options = options;
  }

  /** Whether it could be kept. */
  async keep(event: MonitorEvent, { folder, account }: JournalPlace): Promise<boolean> {
    try {
      if (this.#writer?.folder !== folder) await this.close();
      const { writer } = (this.#writer ??= { folder, writer: await this.#begin(folder, account) });
      await writer.append([encodeEvent(event)]);
      return true;
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

  async #begin(folder: string, account: QueueAccount): Promise<SegmentWriter> {
    const { keys, clock } = this.#options;
    return SegmentWriter.create({
      folder,
      sealer: await keys.current(),
      purpose: 'queue of events',
      description: { kind: 'refused', ...account },
      clock,
      state: 'refused',
    });
  }
}
