import type { Clock } from '@kilometers/auth';
import type { BatchSender, SendOutcome } from './batch-sender.js';
import { backoffMs } from './delivery-backoff.js';
import type { EventQueue } from './event-queue.js';
import type { EventBatch } from './monitor-event.js';
import type { NoticeListener } from './monitor-notice.js';

export type EventDeliveryOptions = {
  readonly queue: EventQueue;
  readonly send: BatchSender;
  readonly clock: Clock;
  readonly random: () => number;
  readonly notify: NoticeListener;
};

/** Delivers batches in order, one at a time, each until the API has it. */
export class EventDelivery {
  readonly #options: EventDeliveryOptions;
  #adding: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;
  #failures = 0;
  /** Set while waiting to try again; `isOrdered` when the API asked for it. */
  #wait: { readonly isOrdered: boolean; readonly untilMs: number; readonly end: () => void } | undefined;
  /** When to give up, on the monotonic clock; set once the session is over. */
  #deadlineMs: number | undefined;
  #isStopped = false;

  constructor(options: EventDeliveryOptions) {
    this.#options = options;
  }

  /** Takes a batch to deliver. Returns at once. */
  deliver(batch: EventBatch): void {
    this.#adding = this.#adding.then(() => this.#add(batch));
  }

  /**
   * Delivers what is left, trying for at most `timeLimitMs`; then no more is sent. Resolves with how many events were
   * not delivered.
   */
  async finish(timeLimitMs: number): Promise<number> {
    const { clock, queue } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeLimitMs;
    this.#deadlineMs = deadlineMs;
    this.#failures = 0;
    await this.#adding;
    let cancel: (() => void) | undefined;
    const outOfTime = new Promise<void>((resolve) => {
      cancel = clock.schedule(
        () => {
          this.#stop();
          resolve();
        },
        timeLimitMs,
        true,
      );
    });
    // Do not sit out a wait of our own making; one that the API ordered is kept, if there is time for it.
    if (this.#wait?.isOrdered === false) this.#wait.end();
    else if ((this.#wait?.untilMs ?? 0) > deadlineMs) this.#stop();
    while (queue.eventCount > 0 && !this.#isStopped) {
      this.#wake();
      await Promise.race([this.#running, outOfTime]);
    }
    this.#stop();
    cancel?.();
    return queue.eventCount;
  }

  async #add(batch: EventBatch): Promise<void> {
    const dropped = await this.#options.queue.add(batch);
    if (dropped > 0) this.#options.notify({ type: 'events.dropped', count: dropped });
    this.#wake();
  }

  #wake(): void {
    if (this.#isStopped) return;
    this.#running ??= this.#run().then(() => {
      this.#running = undefined;
      // A batch may have come after the queue was found empty.
      if (this.#options.queue.eventCount > 0) this.#wake();
    });
  }

  #stop(): void {
    this.#isStopped = true;
    this.#wait?.end();
  }

  async #run(): Promise<void> {
    const { queue, clock, send } = this.#options;
    while (!this.#isStopped) {
      const batch = await queue.first();
      if (batch === undefined) return;
      const startedAtMs = clock.monotonicMs();
      const outcome = await send(batch);
      if (outcome.type === 'postponed') {
        await this.#postpone(batch, outcome);
      } else {
        await queue.removeFirst();
        this.#failures = 0;
        this.#settle(batch, outcome, clock.monotonicMs() - startedAtMs);
      }
    }
  }

  #settle(batch: EventBatch, outcome: Exclude<SendOutcome, { type: 'postponed' }>, durationMs: number): void {
    if (outcome.type === 'delivered') this.#options.notify({ type: 'batch.delivered', batch, durationMs });
    else this.#options.notify({ type: 'batch.refused', batch, reason: outcome.reason });
  }

  async #postpone(batch: EventBatch, outcome: Extract<SendOutcome, { type: 'postponed' }>): Promise<void> {
    const { clock, random, notify } = this.#options;
    const { reason, retryAfterMs, needsHuman } = outcome;
    this.#failures += 1;
    const retryInMs = retryAfterMs ?? backoffMs(this.#failures, random);
    notify({ type: 'batch.postponed', batch, reason, retryInMs, needsHuman });
    const untilMs = clock.monotonicMs() + retryInMs;
    // At the end there is no time to wait for a human, nor for longer than the deadline.
    const isTooLate = this.#deadlineMs !== undefined && (needsHuman || untilMs > this.#deadlineMs);
    if (isTooLate) this.#stop();
    else await this.#pause(untilMs, retryInMs, retryAfterMs !== undefined);
  }

  #pause(untilMs: number, durationMs: number, isOrdered: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#wait = undefined;
        resolve();
      };
      const cancel = this.#options.clock.schedule(end, durationMs, false);
      this.#wait = { isOrdered, untilMs, end };
    });
  }
}
