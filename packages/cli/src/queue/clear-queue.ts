import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@kilometers/auth';
import { DeliverySchedule } from './delivery-schedule.js';
import { goesOn, listPreludes } from './prelude-file.js';
import { giveUpFile, listSegments } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { segmentPath } from './segment-name.js';
import { isNote } from './segment-notes.js';

/** What was removed. */
export type Cleared = {
  /** Events that waited. */
  readonly events: number;
  /** Events that the API had refused. */
  readonly refused: number;
  /** Files that did not open whole. */
  readonly corruptFiles: number;
};

export type ClearOptions = {
  readonly keys: SegmentKeys;
  readonly clock: Clock;
  readonly random: () => number;
};

/**
 * Removes all events from these parts of the queue. A process that captures goes on with a new segment; what it keeps and
 * did not look at is no event yet, and stays. So does the time for which an API wants to be left alone.
 */
export async function clearQueue(
  folders: readonly string[],
  { keys, clock, random }: ClearOptions,
): Promise<Cleared> {
  const removed = { events: 0, refused: 0, corruptFiles: 0 };
  for (const folder of folders) {
    for (const segment of await listSegments(folder)) {
      const count = await giveUpFile(segmentPath(segment));
      if (segment.state === 'refused') removed.refused += count;
      else removed.events += count;
    }
    for (const path of await listPreludes(folder)) {
      if (!(await goesOn(path, keys, clock.nowMs()))) removed.events += await giveUpFile(path);
    }
    const { orderedMs } = await new DeliverySchedule({ folder, clock, random }).waitMs();
    for (const name of await readdir(folder).catch(() => [])) {
      const isCorrupt = name.endsWith('.corrupt');
      const isSchedule = orderedMs === 0 && name.startsWith('next-try.json');
      if (!isCorrupt && !isNote(name) && !name.endsWith('.given-up') && !isSchedule) continue;
      if (isCorrupt) removed.corruptFiles += 1;
      await unlink(join(folder, name)).catch(() => undefined);
    }
  }
  return removed;
}
