import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../command-context.js';
import { BacklogSegment } from './backlog-segment.js';
import { DeliverySchedule, type DeliveryFailure } from './delivery-schedule.js';
import { DrainLease } from './drain-lease.js';
import type { QueuePlace } from './queue-place.js';
import { accountFoldersIn, countEvents, listSegments } from './segment-folder.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import { isNote } from './segment-notes.js';
import type { QueueAccount } from './state-folder.js';
import { oldestOf, WaitingCount } from './waiting-count.js';

/** What is in one account's part of the queue. */
export type AccountSurvey = {
  readonly folder: string;
  /** `undefined` when nothing in it can be opened. */
  readonly account: QueueAccount | undefined;
  /** Events to be delivered. */
  readonly waiting: number;
  /** When the oldest of them happened, in milliseconds since the epoch. */
  readonly oldestAtMs: number | undefined;
  /** Events that the API did not take. */
  readonly refused: number;
  /** Files that did not open whole. */
  readonly corruptFiles: number;
  /** Of all files but notes, which are tiny, and may outlive what they tell of for a minute. */
  readonly bytes: number;
  /** The process that delivers them, in words. */
  readonly deliveredBy: string | undefined;
  readonly lastFailure: DeliveryFailure | undefined;
};

/** Looks at all parts of the queue; changes nothing. */
export async function surveyQueue(
  { root, keys }: Pick<QueuePlace, 'root' | 'keys'>,
  { clock, random }: Pick<CommandContext, 'clock' | 'random'>,
): Promise<readonly AccountSurvey[]> {
  const surveys: AccountSurvey[] = [];
  for (const folder of await accountFoldersIn(root)) {
    const segments = await listSegments(folder);
    const refused = segments.filter(({ state }) => state === 'refused');
    const opened = await openAll(segments, keys);
    const { events, preludes } = await new WaitingCount({ folders: [folder], keys, clock }).look();
    surveys.push({
      folder,
      account: opened.account ?? preludes.findLast(({ account }) => account !== undefined)?.account,
      waiting: events,
      oldestAtMs: oldestOf([opened.oldestAtMs, ...preludes.map(({ oldestAtMs }) => oldestAtMs)]),
      refused: await sum(refused, (file) => countEvents(segmentPath(file))),
      ...(await filesIn(folder)),
      deliveredBy: await new DrainLease({ folder, clock, random }).owner().catch(() => undefined),
      lastFailure: await new DeliverySchedule({ folder, clock, random }).lastFailure(),
    });
  }
  return surveys;
}

async function openAll(segments: readonly SegmentFile[], keys: QueuePlace['keys']) {
  let account: QueueAccount | undefined;
  let oldestAtMs: number | undefined;
  for (const file of segments) {
    const segment = await BacklogSegment.open(file, keys).catch(() => undefined);
    if (!(segment instanceof BacklogSegment)) continue;
    const atMs = file.state === 'refused' ? undefined : await segment.peekAtMs();
    // What was adopted says nothing of where it goes.
    if (account?.origin === undefined) account = (await segment.account()) ?? account;
    if (atMs !== undefined) oldestAtMs = Math.min(oldestAtMs ?? atMs, atMs);
    await segment.close();
  }
  return { account, oldestAtMs };
}

async function filesIn(folder: string) {
  let [bytes, corruptFiles] = [0, 0];
  for (const name of await readdir(folder).catch(() => [])) {
    if (isNote(name)) continue;
    const stats = await stat(join(folder, name)).catch(() => undefined);
    if (stats?.isFile() !== true) continue;
    bytes += stats.size;
    if (name.endsWith('.corrupt')) corruptFiles += 1;
  }
  return { bytes, corruptFiles };
}

async function sum<T>(items: readonly T[], count: (item: T) => Promise<number>): Promise<number> {
  let all = 0;
  for (const item of items) all += await count(item);
  return all;
}
