import type { CommandContext } from '../command-context.js';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import type { DeliveryNotice } from '../monitor/monitor-notice.js';
import type { AccountAccess } from './account-access.js';
import type { AccountQueue } from './account-queue.js';
import { EventJournal, type EventJournalOptions } from './event-journal.js';
import type { EventPlace } from './event-segment.js';
import { deliverPendingRevocations } from './pending-revocations.js';
import { beginPreludeFile, type PreludeSession } from './prelude-file.js';
import { QueueDelivery } from './queue-delivery.js';
import { segmentBytes } from './queue-limits.js';
import { accountQueueOf, queuePlace } from './queue-place.js';
import { QueueRoom, type GivenUp } from './queue-room.js';
import { RefusedEvents } from './refused-events.js';
import { countWaiting } from './segment-folder.js';
import type { SegmentWriter } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** What is left to others is looked at so long after the start: the server comes first. */
const START_MS = 1_000;
/** How often old events and pending revocations are looked at. */
const UPKEEP_MS = 300_000;

/** What is left at the end of a session. */
export type Undelivered = {
  /** Events of this process that are not at the API, and that no other process is about to deliver. */
  readonly undelivered: number;
  /** How many of them do not wait on the disk, either. */
  readonly lost: number;
};

/** Where the events of a session go: to the API, at once or from the disk, each once. */
export type EventQueue = {
  /** Takes an event. Returns at once, whatever the API and the disk do. */
  readonly add: (event: MonitorEvent) => void;
  /** While events come faster than the disk takes them: resolves when it took them. */
  readonly congestion: () => Promise<void> | undefined;
  /** Writes what is in memory only; resolves with whether nothing is. */
  readonly secure: () => Promise<boolean>;
  /** Begins a file for what passes, to be looked at later; `undefined` where nothing is kept on the disk. */
  readonly beginPrelude: (session: PreludeSession) => Promise<SegmentWriter | undefined>;
  /** How large the queue on the disk may be, in bytes. */
  readonly maxBytes: number;
  /** Begins to deliver what others left, behind. */
  readonly start: () => void;
  /** Delivers what this process captured for at most `timeLimitMs`; the rest waits on the disk. */
  readonly finish: (timeLimitMs: number) => Promise<Undelivered>;
};

export type EventQueueOptions = {
  readonly access: AccountAccess;
  readonly correlationId: string;
  readonly notify: (notice: DeliveryNotice) => void;
};

/** @throws {CliError} when a limit makes no sense. */
export async function openEventQueue(
  { access, correlationId, notify }: EventQueueOptions,
  context: CommandContext,
): Promise<EventQueue> {
  const { clock, random } = context;
  const place = queuePlace(context, access.storage);
  const room = place === undefined ? undefined : new QueueRoom(place.root, place.limits, clock);
  const refused = place === undefined ? undefined : new RefusedEvents({ keys: place.keys, clock });
  const onTrouble = (message: string): void => notify({ type: 'queue.trouble', message });
  const openAccountQueue = () => accountQueueOf(access, place, context, { onTrouble, makeRoom });

  async function makeRoom(bytes: number): Promise<boolean> {
    if (room === undefined) return true;
    const { isThere, givenUp } = await room.make(bytes);
    tellGivenUp(givenUp);
    return isThere;
  }

  function tellGivenUp(givenUp: readonly GivenUp[]): void {
    for (const { events, why } of givenUp) notify({ type: 'events.dropped', count: events, why });
  }

  const queue = await openAccountQueue();
  const journalOptions: EventJournalOptions = {
    clock,
    keys: place?.keys,
    maxSegmentBytes: segmentBytes(place?.limits.maxBytes ?? 0),
    makeRoom,
    onDropped: (count, why) => notify({ type: 'events.dropped', count, why }),
    onUnwritable: (error) => onTrouble(memoryMessage(error)),
  };
  const journal = new EventJournal(journalOptions, journalPlaceOf(queue));
  /** What was captured for other accounts and could not be written then. It is sent to nobody else. */
  const behind: EventJournal[] = [];
  /** By its folder, where it has one: for whom this process captured before, */
  const before = new Map<string | undefined, AccountQueue>();
  /** and the segments that it began for them. */
  const segmentsBefore = new Set<string>();
  const inMemory = () => behind.reduce((sum, { size }) => sum + size, journal.size);
  if (place === undefined && access.storage.folder === undefined) {
    onTrouble('events wait in memory only: this user has no home folder; set KM_CONFIG_DIR to keep them');
  }
  const delivery = new QueueDelivery(
    {
      clock,
      random,
      journal,
      send: access.send,
      sender: { correlationId, cliVersion: context.version },
      notify,
      async keepRefused(event, { folder, account }) {
        if (folder === undefined || refused === undefined) return false;
        return refused.keep(event, { folder, account });
      },
      async lookAgain() {
        if (!(await access.lookAgain())) return false;
        const next = await openAccountQueue();
        if (!isSameAccount(next.account, delivery.queue.account)) await moveTo(next);
        return true;
      },
    },
    queue,
  );
  async function moveTo(next: AccountQueue): Promise<void> {
    const { queue: last } = delivery;
    // What nobody had said the account of goes where this profile logs in; all else belongs to the account it was for.
    const isAdopted = last.account.origin === undefined && (await access.isAdopting());
    const keep = isAdopted ? undefined : (left: readonly MonitorEvent[]) => leaveTo(last, left);
    // Another process may deliver for the account already: what was captured before is there before what comes.
    const adopt = isAdopted ? () => next.adopt().catch(() => undefined) : undefined;
    for (const name of await journal.moveTo(journalPlaceOf(next), keep, adopt)) segmentsBefore.add(name);
    await delivery.moveTo(next);
    before.set(last.folder, last);
  }

  function leaveTo(last: AccountQueue, left: readonly MonitorEvent[]): void {
    if (left.length === 0) return;
    const heir = new EventJournal(journalOptions, journalPlaceOf(last));
    behind.push(heir);
    for (const event of left) heir.add(event);
  }

  let cancelUpkeep: (() => void) | undefined;

  async function upkeep(): Promise<void> {
    cancelUpkeep = clock.schedule(() => void upkeep(), UPKEEP_MS, false);
    // What is wrong with the disk is told where something is to be written.
    tellGivenUp((await room?.tidy(0).catch(() => undefined)) ?? []);
    await deliverPendingRevocations(context).catch(() => undefined);
  }

  context.onExit(() => {
    for (const each of [journal, ...behind]) each.flushSync();
  });
  return {
    add: (event) => delivery.add(event),
    congestion: () => journal.congestion,
    async secure() {
      // After a failure to write the disk is left alone for a while.
      for (const each of [journal, ...behind]) if (each.isWritable) await each.flush();
      return inMemory() === 0;
    },
    maxBytes: place?.limits.maxBytes ?? 0,
    async beginPrelude(session) {
      const { folder, account } = delivery.queue;
      if (place === undefined || folder === undefined) return undefined;
      return beginPreludeFile(session, { folder, account, sealer: await place.keys.last(), clock });
    },
    start() {
      cancelUpkeep = clock.schedule(
        () => {
          delivery.start();
          void upkeep();
        },
        START_MS,
        false,
      );
    },
    async finish(timeLimitMs) {
      cancelUpkeep?.();
      const { isHandedOver, isUnderWay } = await delivery.finish(timeLimitMs);
      for (const each of [journal, ...behind]) await each.close();
      await refused?.close();
      const { queue: last } = delivery;
      if (!isUnderWay) await last.tidy(journal.takeDelivered(), journal.segments).catch(() => undefined);
      await last.release();
      const own = new Set(segmentsBefore);
      for (const { segments } of [journal, ...behind]) for (const name of segments) own.add(name);
      before.delete(last.folder);
      let kept = await keptIn(last, own, isHandedOver);
      for (const each of before.values()) kept += await keptIn(each, own, (await each.owner()) !== undefined);
      const lost = inMemory();
      return { undelivered: lost + kept, lost };
    },
  };
}

/** How many events in these segments wait for an account, unless another process is about to deliver them. */
async function keptIn(
  { folder, schedule }: AccountQueue,
  own: ReadonlySet<string>,
  isHandedOver: boolean,
): Promise<number> {
  if (folder === undefined || (isHandedOver && (await schedule.lastFailure()) === undefined)) return 0;
  // What is wrong with the folder was told.
  return countWaiting(folder, ({ name }) => own.has(name)).catch(() => 0);
}

function isSameAccount(a: QueueAccount, b: QueueAccount): boolean {
  return a.profile === b.profile && a.origin === b.origin;
}

function journalPlaceOf({ folder, account }: AccountQueue): EventPlace | undefined {
  return folder === undefined ? undefined : { folder, account };
}

function memoryMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `events wait in memory only, for now: ${message}`;
}
