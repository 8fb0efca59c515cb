import { isExplained } from '../exit-code.js';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import type { AccountQueue, DeliveryRight } from './account-queue.js';
import { BatchInHand, ENOUGH_EVENTS } from './batch-in-hand.js';
import { PartDelivery } from './deliver-in-parts.js';
import { collectBatch, type SeenWrites } from './collect-batch.js';
import { Pause } from './pause.js';
import { sendInHand, type SendOptions } from './send-in-hand.js';

/** How often others' events are looked for. */
const POLL_MS = 1_000;
/** While so many events or more come from one batch that is larger than usual to the next, */
const BUSY_EVENTS = 100;
/** these are so far apart: what delivers them takes its time from the traffic, and the disk has the events. */
const APART_MS = 250;
/** How often it is looked for what is left at the end. */
const LAST_LOOK_MS = 20;
/** How often a process that may not deliver asks whether it may. */
const TURN_MS = 2_000;
/** After trouble that only a human can mend, or with the disk, it is looked at again this much later. */
const TROUBLE_MS = 10_000;
/** After so many tries in a row, some minutes apart, it is looked whether a single event is to blame. */
const PROBE_EVERY = 20;

export type QueueDeliveryOptions = SendOptions & {
  readonly random: () => number;
  /** After trouble that only a human can mend: whether it is worth another try. May have moved this to another queue. */
  readonly lookAgain: () => Promise<boolean>;
};

/** What finishing came to. */
export type Finished = {
  /** Whether another process delivers what is left. */
  readonly isHandedOver: boolean;
  /** Whether a request is still under way. */
  readonly isUnderWay: boolean;
};

/** Delivers events in order, one batch at a time, each until the API has it: those of this process, and what others left. */
export class QueueDelivery {
  readonly #options: QueueDeliveryOptions;
  readonly #batch = new BatchInHand();
  readonly #parts = new PartDelivery();
  readonly #pause: Pause;
  readonly #seen: SeenWrites = { flushes: -1, segments: -1 };
  #queue: AccountQueue;
  #right: DeliveryRight = 'nothing';
  #running: Promise<void> | undefined;
  /** After trouble that another try does not mend by itself. */
  #isTroubled = false;
  #deadlineMs: number | undefined;
  #isHandedOver = false;
  #isStopped = false;
  /** Events that came since the last batch that was larger than usual. */
  #cameSince = 0;
  /** The wait that is on is not ended by events that come. */
  #isHeld = false;

  constructor(options: QueueDeliveryOptions, queue: AccountQueue) {
    this.#options = options;
    this.#queue = queue;
    this.#pause = new Pause(options.clock);
  }

  get queue(): AccountQueue {
    return this.#queue;
  }

  /** Begins to deliver, behind. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Takes an event. Returns at once. */
  add(event: MonitorEvent): void {
    const { journal } = this.#options;
    journal.add(event);
    this.#cameSince += 1;
    // A pause ends by itself soon enough for a batch that has not enough.
    if (this.#isHeld || this.#batch.isFull) return;
    if (journal.size + this.#batch.size < ENOUGH_EVENTS) return;
    this.start();
    this.#pause.end();
  }

  /** Goes on with another queue: what is in hand was put back. */
  async moveTo(queue: AccountQueue): Promise<void> {
    await this.#letGo();
    this.#queue = queue;
  }

  /** Delivers what this process captured, trying for at most `timeLimitMs`; then no more is sent. */
  async finish(timeLimitMs: number): Promise<Finished> {
    const { clock, journal } = this.#options;
    this.#deadlineMs = clock.monotonicMs() + timeLimitMs;
    this.start();
    this.#pause.end();
    let cancel: (() => void) | undefined;
    const outOfTime = new Promise<void>((resolve) => {
      cancel = clock.schedule(resolve, timeLimitMs, true);
    });
    let isUnderWay = true;
    const ended = this.#running?.then(() => {
      isUnderWay = false;
    });
    await Promise.race([ended, outOfTime]);
    cancel?.();
    this.#isStopped = true;
    this.#pause.end();
    journal.putBack(this.#batch.clear());
    return { isHandedOver: this.#isHandedOver, isUnderWay };
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      let waitMs: number;
      try {
        waitMs = await this.#turn();
      } catch (error) {
        waitMs = await this.#troubled(error);
      }
      if (waitMs > 0) await this.#pause.wait(waitMs, this.#deadlineMs !== undefined);
      this.#isHeld = false;
    }
  }

  /** Does what can be done now; resolves with how long there is nothing to do. */
  async #turn(): Promise<number> {
    const { clock, journal, random, lookAgain } = this.#options;
    const isFinishing = this.#deadlineMs !== undefined;
    if (this.#isTroubled && (isFinishing || !(await lookAgain())))
      return isFinishing ? this.#stop() : this.#hold(TROUBLE_MS);
    this.#isTroubled = false;
    const queue = this.#queue;
    const isEmpty = this.#batch.size + journal.size === 0 && queue.backlog === undefined;
    if (isEmpty && !(await queue.hasLeftovers())) return isFinishing ? this.#stop() : TURN_MS;

    const right = await queue.right(journal.isWritable);
    this.#isHandedOver = right === 'nothing';
    // What is in hand came from another look at the disk.
    if (right !== this.#right) journal.putBack(this.#batch.clear());
    this.#right = right;
    if (right === 'nothing') {
      return isFinishing ? this.#stop() : this.#hold(TURN_MS * (0.75 + random() / 2));
    }
    await collectBatch({ batch: this.#batch, queue, journal, clock }, this.#seen);
    if (isFinishing && !(await this.#hasOwnLeft(queue))) return this.#stop();

    const dueInMs = this.#batch.dueInMs(clock.monotonicMs());
    // At the end what cannot be had yet is being written.
    if (dueInMs === undefined) return isFinishing ? LAST_LOOK_MS : POLL_MS;
    if (dueInMs > 0 && !isFinishing) return Math.min(dueInMs, POLL_MS);
    const { ms } = await queue.schedule.waitMs();
    if (ms === 0) return this.#send(queue);
    const isTooLate = clock.monotonicMs() + ms > (this.#deadlineMs ?? Infinity);
    return isTooLate ? this.#stop() : Math.min(ms, POLL_MS);
  }

  async #send(queue: AccountQueue): Promise<number> {
    const { notify } = this.#options;
    const { failures } = queue.schedule;
    const isLarge = this.#batch.size > ENOUGH_EVENTS;
    const attempt = { failures, isProbe: failures > 0 && failures % PROBE_EVERY === 0 };
    const round = { hand: this.#batch, queue, parts: this.#parts, attempt };
    const { batch, postponed } = await sendInHand({ ...this.#options, ...round });
    if (postponed === undefined) return isLarge ? this.#standBack() : 0;
    // The time was up before: what failed since may have failed for that.
    if (this.#isStopped) return 0;
    const { reason, retryAfterMs, needsHuman } = postponed;
    const retryInMs = needsHuman ? TROUBLE_MS : await queue.schedule.fail(reason, retryAfterMs);
    notify({ type: 'batch.postponed', batch, reason, retryInMs, needsHuman });
    if (!needsHuman) return 0;
    // Another process may be logged in.
    this.#isTroubled = true;
    await this.#letGo();
    return this.#deadlineMs === undefined ? this.#hold(TROUBLE_MS) : this.#stop();
  }

  /** Leaves the processor to the traffic for a while, where there is much of it; for how long. */
  #standBack(): number {
    const isBusy = this.#cameSince >= BUSY_EVENTS;
    this.#cameSince = 0;
    return isBusy ? this.#hold(APART_MS) : 0;
  }

  /** A wait of so long that only the end of the session ends: traffic does not have others asked more often. */
  #hold(ms: number): number {
    this.#isHeld = this.#deadlineMs === undefined;
    if (this.#isHeld) this.#pause.renew();
    return ms;
  }

  async #hasOwnLeft({ backlog }: AccountQueue): Promise<boolean> {
    const { journal } = this.#options;
    if (journal.size > 0 || this.#batch.hasEventOf(journal.segments)) return true;
    return (await backlog?.mayHaveEventIn(journal.segments)) ?? false;
  }

  async #letGo(): Promise<void> {
    this.#options.journal.putBack(this.#batch.clear());
    await this.#queue.release();
  }

  /** Something that no request is to blame for: the key cannot be had, or the disk fails. */
  async #troubled(error: unknown): Promise<number> {
    // The files were closed beneath what was still under way.
    if (this.#isStopped) return 0;
    const reason = error instanceof Error ? error.message : String(error);
    // What was written for a user says what failed: the settings may have, where somebody is looked for who logged in.
    const message = isExplained(error) ? reason : `the queue cannot be read: ${reason}`;
    this.#options.notify({ type: 'queue.trouble', message });
    this.#isTroubled = true;
    await this.#letGo();
    return this.#deadlineMs === undefined ? this.#hold(TROUBLE_MS) : this.#stop();
  }

  #stop(): number {
    this.#isStopped = true;
    return 0;
  }
}
