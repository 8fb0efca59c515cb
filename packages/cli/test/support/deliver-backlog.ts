import { systemClock, type Clock } from '@kilometers/auth';
import { Backlog, type BacklogOptions } from '../../src/queue/backlog.js';

/** The clock of who comes so much later. */
const later = (ms: number): Clock => ({ ...systemClock, nowMs: () => Date.now() + ms });

/**
 * Takes and settles everything that is there, as who delivers it, an hour later unless told otherwise; with the ids in the order in
 * which they came.
 */
export async function deliverBacklog(
  options: Omit<BacklogOptions, 'clock'>,
  clock: Clock = later(3_600_000),
): Promise<readonly string[]> {
  const backlog = new Backlog({ ...options, clock });
  const ids: string[] = [];
  for (let looks = 0; looks < 3; looks += 1) {
    await backlog.refresh(0);
    for (let taken = await backlog.take(); taken !== undefined; taken = await backlog.take()) {
      ids.push(taken.event.id);
      await backlog.advance(new Map([[taken.segment, taken.end]]));
    }
  }
  await backlog.close();
  return ids;
}
