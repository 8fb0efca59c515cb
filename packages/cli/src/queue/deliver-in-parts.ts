import type { BatchSender, SendOutcome } from '../monitor/batch-sender.js';
import type { EventBatch, MonitorEvent } from '../monitor/monitor-event.js';

export type PartsListener = {
  /** These are at the API. */
  readonly onDelivered: (batch: EventBatch) => Promise<void>;
  /** The API will never have this one. */
  readonly onRefused: (event: MonitorEvent, reason: string) => Promise<void>;
};

/**
 * Sends a batch, and one that the API will not have in halves, down to the single event that is to blame. Events are
 * settled in their order; resolves with what kept the rest from being settled, if anything did.
 */
export async function deliverInParts(
  batch: EventBatch,
  send: BatchSender,
  listener: PartsListener,
): Promise<Extract<SendOutcome, { type: 'postponed' }> | undefined> {
  const outcome = await send(batch);
  if (outcome.type === 'postponed') return outcome;
  const [only] = batch.events;
  if (outcome.type === 'delivered') {
    await listener.onDelivered(batch);
  } else if (batch.events.length > 1) {
    const half = Math.ceil(batch.events.length / 2);
    for (const events of [batch.events.slice(0, half), batch.events.slice(half)]) {
      const postponed = await deliverInParts({ ...batch, events }, send, listener);
      if (postponed !== undefined) return postponed;
    }
  } else if (only !== undefined) {
    await listener.onRefused(only, outcome.reason);
  }
  return undefined;
}
