import type { Clock } from '@kilometers/auth';
import type { BatchSender, SendOutcome } from '../monitor/batch-sender.js';
import type { EventBatch, MonitorEvent } from '../monitor/monitor-event.js';
import type { DeliveryNotice } from '../monitor/monitor-notice.js';
import type { AccountQueue } from './account-queue.js';
import type { BatchInHand } from './batch-in-hand.js';
import type { Attempt, PartDelivery, PartsListener } from './deliver-in-parts.js';
import type { EventJournal } from './event-journal.js';

export type SendOptions = {
  readonly clock: Clock;
  readonly journal: EventJournal;
  readonly send: BatchSender;
  /** What batches carry besides their events; the correlation id only where their events have several. */
  readonly sender: { readonly correlationId: string; readonly cliVersion: string };
  readonly notify: (notice: DeliveryNotice) => void;
  /** Keeps an event that the API will not have; resolves with whether it could. */
  readonly keepRefused: (event: MonitorEvent, queue: AccountQueue) => Promise<boolean>;
};

/** What is left of a batch, and what kept it from being delivered. */
export type Sent = {
  readonly batch: EventBatch;
  readonly postponed: Extract<SendOutcome, { type: 'postponed' }> | undefined;
};

/** Sends what is in hand, once, and notes what was settled of it. */
export async function sendInHand(
  options: SendOptions & {
    readonly hand: BatchInHand;
    readonly queue: AccountQueue;
    readonly parts: PartDelivery;
    readonly attempt: Attempt;
  },
): Promise<Sent> {
  const { clock, journal, send, sender, notify, keepRefused, hand, queue, parts, attempt } = options;
  const sessions = new Set(hand.events.map(({ correlationId }) => correlationId));
  const [correlationId = sender.correlationId] = sessions.size === 1 ? sessions : [];
  const head = {
    correlationId,
    cliVersion: sender.cliVersion,
    batchTimestamp: new Date(clock.nowMs()).toISOString(),
  };
  let sentAtMs = clock.monotonicMs();

  async function settle(count: number): Promise<void> {
    const { waiting, ends } = hand.settle(count);
    journal.settle(waiting);
    await queue.backlog?.advance(ends);
  }

  const sendAndNote: BatchSender = async (batch) => {
    const outcome = await send(batch);
    hand.noteSent(batch.events.length, outcome.type);
    return outcome;
  };
  const listener: PartsListener = {
    async onDelivered(batch) {
      const durationMs = clock.monotonicMs() - sentAtMs;
      await settle(batch.events.length);
      notify({ type: 'batch.delivered', batch, durationMs });
      sentAtMs = clock.monotonicMs();
    },
    async onRefused(event, reason) {
      const isKept = await keepRefused(event, queue);
      await settle(1);
      notify({ type: 'batch.refused', batch: { events: [event], ...head }, reason, isKept });
    },
  };
  const postponed = await parts.deliver({ events: hand.events, ...head }, sendAndNote, listener, attempt);
  if (postponed === undefined) await queue.schedule.clear();
  return { batch: { events: hand.events, ...head }, postponed };
}
