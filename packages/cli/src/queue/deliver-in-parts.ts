import type { BatchSender, SendOutcome } from '../monitor/batch-sender.js';
import type { EventBatch, MonitorEvent } from '../monitor/monitor-event.js';

export type PartsListener = {
  /** These are at the API. */
  readonly onDelivered: (batch: EventBatch) => Promise<void>;
  /** The API will never have this one. */
  readonly onRefused: (event: MonitorEvent, reason: string) => Promise<void>;
};

/** What is known when a batch is tried. */
export type Attempt = {
  /** How often in a row nothing could be delivered before. */
  readonly failures: number;
  /** Whether it has gone on for so long that an event may be to blame for what looks like an API in trouble. */
  readonly isProbe: boolean;
  /** Whether they were refused before, so that nothing is lost by refusing all of them. Default false. */
  readonly isSecond?: boolean;
};

type Postponed = Extract<SendOutcome, { type: 'postponed' }>;
type Suspect = {
  readonly event: MonitorEvent;
  readonly outcome: Exclude<SendOutcome, { type: 'delivered' }>;
};

/** So many refused events in a row are to blame themselves. Of more it is as likely that everything is refused. */
const MOST_IN_A_ROW = 10;
/** So many are left standing at once, to see whether the API takes the one behind them. */
const MOST_SUSPECTS = 5;

/**
 * Delivers batches, and what the API will not have in halves, down to the single event that is to blame. Events are settled
 * in their order. An API that refuses everything, as one at a wrong address does, costs few: after some in a row an event
 * is to blame only where the API takes one behind it.
 */
export class PartDelivery {
  /** How many were refused since one was delivered. */
  #inARow = 0;

  /** Resolves with what kept the rest from being settled, if anything did. */
  async deliver(
    batch: EventBatch,
    send: BatchSender,
    listener: PartsListener,
    attempt: Attempt,
  ): Promise<Postponed | undefined> {
    const suspects: Suspect[] = [];
    const deliverPart = async (events: EventBatch['events']): Promise<Postponed | undefined> => {
      const part = { ...batch, events };
      const outcome = await send(part);
      if (outcome.type === 'delivered') {
        const postponed = await settleSuspects();
        if (postponed !== undefined) return postponed;
        this.#inARow = 0;
        await listener.onDelivered(part);
        return undefined;
      }
      if (outcome.type === 'postponed' && !(attempt.isProbe && mayBeForEvent(outcome))) return outcome;
      const [event, ...others] = events;
      if (event === undefined) return undefined;
      if (others.length === 0) return blame({ event, outcome });
      const half = Math.ceil(events.length / 2);
      return (await deliverPart(events.slice(0, half))) ?? deliverPart(events.slice(half));
    };

    const blame = async (suspect: Suspect): Promise<Postponed | undefined> => {
      const { event, outcome } = suspect;
      const mostInARow = attempt.failures > 0 ? 1 : MOST_IN_A_ROW;
      const mayRefuse = attempt.isSecond === true || this.#inARow < mostInARow;
      if (outcome.type === 'refused' && suspects.length === 0 && mayRefuse) {
        await refuse(event, outcome.reason);
        return undefined;
      }
      suspects.push(suspect);
      return suspects.length < MOST_SUSPECTS ? undefined : postponedBy(suspect);
    };

    const refuse = async (event: MonitorEvent, reason: string): Promise<void> => {
      this.#inARow += 1;
      await listener.onRefused(event, reason);
    };

    /** The API took one behind them: they are to blame, where what it says of them is no passing trouble. */
    const settleSuspects = async (): Promise<Postponed | undefined> => {
      for (const { event, outcome } of suspects.splice(0)) {
        const part = { ...batch, events: [event] };
        const now = outcome.type === 'refused' ? outcome : await send(part);
        if (now.type === 'postponed' && !mayBeForEvent(now)) return now;
        if (now.type === 'delivered') await listener.onDelivered(part);
        else await refuse(event, now.reason);
      }
      return undefined;
    };

    const postponed = await deliverPart(batch.events);
    const [first] = suspects;
    if (first === undefined) return postponed;
    // Where nothing else ever comes, it still ends some time.
    if (attempt.isProbe && first.outcome.type === 'refused') await refuse(first.event, first.outcome.reason);
    return postponed ?? postponedBy(first);
  }
}

/** Whether an API that is well may answer so, for ever, because of what it was sent. */
function mayBeForEvent({ status = 0 }: Postponed): boolean {
  return status >= 500 && status !== 503;
}

function postponedBy({ outcome }: Suspect): Postponed {
  if (outcome.type === 'postponed') return outcome;
  const reason = `${outcome.reason} to every event: check the endpoint, and what is on the way to it; see km doctor`;
  return { type: 'postponed', reason, needsHuman: false };
}
