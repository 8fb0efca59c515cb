import type { Clock } from '@kilometers/auth';
import { sizeInMemory } from '../monitor/monitor-event.js';
import type { AccountQueue } from './account-queue.js';
import type { BatchInHand } from './batch-in-hand.js';
import type { EventJournal } from './event-journal.js';

export type CollectOptions = {
  readonly batch: BatchInHand;
  readonly queue: AccountQueue;
  readonly journal: EventJournal;
  readonly clock: Clock;
};

/** Which write of the journal the disk was looked at after. */
export type SeenWrites = { flushes: number; segments: number };

/**
 * Fills a batch with the oldest events that are there, of the disk and of memory. An event in memory goes only when
 * nothing of this process is on the disk before it, or about to be.
 */
export async function collectBatch(options: CollectOptions, seen: SeenWrites): Promise<void> {
  const { batch, queue, journal, clock } = options;
  while (!batch.isFull) {
    const { head, isOwnBehind } = await lookAtDisk(options, seen);
    // Events that were in memory are on the disk now, or soon.
    if (journal.flushes !== seen.flushes) continue;
    const fresh = isOwnBehind ? undefined : journal.peek();
    const isFresh = fresh !== undefined && !isBefore(head?.atMs, fresh.event.timestamp);
    const bytes = isFresh ? sizeInMemory(fresh.event) : head?.bytes;
    if (bytes === undefined || !batch.hasRoomFor(bytes)) return;
    if (isFresh) {
      journal.take();
      batch.addWaiting(fresh);
      continue;
    }
    const event = await queue.backlog?.take();
    if (event === undefined) continue;
    batch.addFromDisk(event, clock.monotonicMs(), clock.nowMs() - Date.parse(event.event.timestamp));
  }
}

async function lookAtDisk({ batch, queue, journal }: CollectOptions, seen: SeenWrites) {
  while (journal.flushing !== undefined) await journal.flushing;
  // Another may be begun while this looks.
  const { flushes, segments, begun } = journal;
  await queue.refresh(begun !== seen.segments, segments);
  if (flushes !== seen.flushes) {
    queue.backlog?.lookAgain(segments);
    queue.backlog?.skip(batch.written);
  }
  await queue.backlog?.noteDelivered(journal.takeDelivered());
  const head = await queue.peek();
  const isOwnBehind = (await queue.backlog?.mayHaveEventIn(segments)) ?? false;
  seen.segments = begun;
  seen.flushes = flushes;
  return { head, isOwnBehind };
}

/** Whether what is on the disk happened first; of two in the same millisecond it goes first too. */
function isBefore(diskAtMs: number | undefined, timestamp: string): boolean {
  return diskAtMs !== undefined && diskAtMs <= Date.parse(timestamp);
}
