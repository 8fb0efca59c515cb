import type { CommandContext } from '../command-context.js';
import type { SendOutcome } from '../monitor/batch-sender.js';
import type { AccountAccess } from './account-access.js';
import type { AccountQueue } from './account-queue.js';
import { BatchInHand } from './batch-in-hand.js';
import { collectBatch } from './collect-batch.js';
import { PartDelivery } from './deliver-in-parts.js';
import { EventJournal } from './event-journal.js';
import { Pause } from './pause.js';
import { QueueMark } from './queue-mark.js';
import type { QueuePlace } from './queue-place.js';
import { RefusedEvents } from './refused-events.js';
import { closeSegment } from './segment-folder.js';
import { sendInHand } from './send-in-hand.js';
import { WaitingCount } from './waiting-count.js';

/** A try that failed is followed by others, this many in a row. */
const TRIES = 3;
/** How often a process that delivers meanwhile is looked at, and after how long without progress it is given up. */
const LOOK_MS = 200;
const PATIENCE_MS = 50_000;

/** What came of delivering the queue of an account. */
export type Flushed = {
  readonly delivered: number;
  readonly refused: number;
  /** How many of these could not be set aside. */
  readonly lost: number;
  readonly waiting: number;
  /** Whether another process has delivered what waited, or the rest of it. */
  readonly isByOther: boolean;
  /** What kept the rest from being delivered. */
  readonly failure:
    Pick<Extract<SendOutcome, { type: 'postponed' }>, 'reason' | 'needsHuman' | 'code'> | undefined;
};

const UNREADABLE = { reason: 'the disk cannot read a file of the queue', needsHuman: true };
const NEWER = { reason: 'a newer km wrote them: upgrade km', needsHuman: true };

function unwritableFailure(why: string): Flushed['failure'] {
  return { reason: `the queue's folder cannot be written: ${why}`, needsHuman: true };
}

export type FlushOptions = {
  readonly access: Pick<AccountAccess, 'send'>;
  readonly queue: AccountQueue;
  readonly place: Pick<QueuePlace, 'keys'>;
};

type Counts = { delivered: number; refused: number; lost: number; isByOther: boolean };
/** Of what was not delivered yet. */
function newCounts(): Counts {
  return { delivered: 0, refused: 0, lost: 0, isByOther: false };
}

type FlushContext = Pick<CommandContext, 'clock' | 'createId' | 'version'>;

/** Delivers all of an account's queue now; where another process is at it, tells that one to try now, and waits for it. */
export async function flushQueue(options: FlushOptions, context: FlushContext): Promise<Flushed> {
  const { queue, place } = options;
  const count = new WaitingCount({ folders: queue.folders, keys: place.keys, clock: context.clock });
  // A human asks: a wait of our own making is over. One that the API ordered is not.
  const { orderedMs } = await queue.schedule.waitMs();
  if (orderedMs > 0) {
    const failure = {
      reason: `the API asked to be left alone for ${Math.ceil(orderedMs / 1_000)} s more`,
      needsHuman: false,
    };
    return { ...newCounts(), waiting: (await count.look()).events, failure };
  }
  await queue.schedule.clear();
  const counts = newCounts();
  // A session may go on all the while: what passes from now on is its own to deliver.
  const mark = new QueueMark(queue.folders, count);
  await mark.look();
  try {
    const failure = await deliverAll(options, { counts, mark }, context);
    const waiting = (await mark.look()).isPassed ? 0 : (await count.look()).events;
    const left = queue.hasUnreadable ? UNREADABLE : waiting > 0 && queue.hasNewer ? NEWER : undefined;
    return { ...counts, waiting, failure: failure ?? left };
  } finally {
    await queue.release();
  }
}

async function deliverAll(
  { access, queue, place }: FlushOptions,
  { counts, mark }: { readonly counts: Counts; readonly mark: QueueMark },
  context: FlushContext,
): Promise<Flushed['failure']> {
  const { clock } = context;
  const { keys } = place;
  const pause = new Pause(clock);
  const refused = new RefusedEvents({ keys, clock });
  const journal = emptyJournal(context);
  const hand = new BatchInHand();
  const parts = new PartDelivery();
  const seen = { flushes: -1, segments: -1 };
  // A human asks: what the API refused before, it may take now. Last, and where it has taken all else.
  const refusedBefore = await queue.refused();
  let isSecond = false;
  for (let failures = 0; ;) {
    if ((await queue.right(true)) !== 'all') {
      hand.clear();
      const { unwritable } = queue;
      if (unwritable !== undefined) return unwritableFailure(unwritable);
      // Who delivers was perhaps started in another way, and looks for none of it.
      await queue.adopt();
      const failure = await waitForOther(queue, mark, pause, context);
      if (failure !== 'gone') {
        counts.isByOther = failure === undefined;
        return failure;
      }
      continue;
    }
    if (hand.size > 0 || !(await mark.look()).isPassed)
      await collectBatch({ batch: hand, queue, journal, clock }, seen);
    if (hand.size === 0) {
      if (isSecond || counts.refused > 0 || refusedBefore.length === 0) break;
      isSecond = true;
      await mark.add(await Promise.all(refusedBefore.map(closeSegment)));
      await queue.refresh(true, journal.segments);
      continue;
    }
    const { postponed } = await sendInHand({
      clock,
      journal,
      hand,
      queue,
      parts,
      attempt: { failures, isProbe: failures === TRIES - 1, isSecond },
      send: access.send,
      sender: { correlationId: context.createId(), cliVersion: context.version },
      notify: (notice) => {
        if (notice.type === 'batch.delivered') counts.delivered += notice.batch.events.length;
        if (notice.type !== 'batch.refused') return;
        counts.refused += 1;
        if (!notice.isKept) counts.lost += 1;
      },
      async keepRefused(event, { folder, account }) {
        return folder !== undefined && refused.keep(event, { folder, account });
      },
    });
    if (postponed === undefined) {
      failures = 0;
      continue;
    }
    failures += 1;
    if (postponed.needsHuman) return postponed;
    const waitMs = await queue.schedule.fail(postponed.reason, postponed.retryAfterMs);
    if (failures >= TRIES || (postponed.retryAfterMs ?? 0) > LOOK_MS * 10) return postponed;
    await pause.wait(waitMs, true);
  }
  await refused.close();
  // What is delivered is removed; a segment that was still open is found so twice.
  for (let looks = 0; looks < 2; looks += 1) await queue.refresh(true, journal.segments, 0);
  return queue.unrecovered === undefined ? undefined : { reason: queue.unrecovered, needsHuman: false };
}

/** Waits while another process delivers. `gone`: it does so no more. */
async function waitForOther(
  queue: AccountQueue,
  mark: QueueMark,
  pause: Pause,
  { clock }: FlushContext,
): Promise<Flushed['failure'] | 'gone'> {
  const startedAtMs = clock.nowMs();
  let movedAtMs = clock.monotonicMs();
  for (;;) {
    const { isPassed, hasMoved } = await mark.look();
    if (isPassed) return undefined;
    if (hasMoved) movedAtMs = clock.monotonicMs();
    const failure = await queue.schedule.lastFailure();
    if (failure !== undefined && failure.atMs >= startedAtMs)
      return { reason: failure.reason, needsHuman: false };
    if (clock.monotonicMs() - movedAtMs > PATIENCE_MS) {
      const owner = (await queue.owner()) ?? 'another km';
      return { reason: `${owner} delivers the queue, and does not get on`, needsHuman: false };
    }
    if ((await queue.right(true)) !== 'nothing') return 'gone';
    await pause.wait(LOOK_MS, true);
  }
}

/** For what collects batches: this process captures nothing. */
function emptyJournal({ clock }: FlushContext): EventJournal {
  return new EventJournal(
    {
      clock,
      keys: undefined,
      maxSegmentBytes: 0,
      makeRoom: () => Promise.resolve(true),
      onDropped: () => undefined,
      onUnwritable: () => undefined,
    },
    undefined,
  );
}
