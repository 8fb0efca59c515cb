import type { CommandContext } from '../command-context.js';
import { EXIT, exitCodeOf } from '../exit-code.js';
import { droppedMessage } from '../monitor/monitor-messages.js';
import { eventsIn } from '../monitor/readable-text.js';
import { AccountAccess } from '../queue/account-access.js';
import { flushQueue, type Flushed } from '../queue/flush-queue.js';
import { deliverPendingRevocations } from '../queue/pending-revocations.js';
import { accountQueueOf, queuePlace, type QueuePlace } from '../queue/queue-place.js';
import { QueueRoom } from '../queue/queue-room.js';
import { accountFoldersIn } from '../queue/segment-folder.js';
import { WaitingCount } from '../queue/waiting-count.js';
import type { AccountFlags } from '../settings.js';
import { whileSpinning } from '../terminal/spinner.js';

export type QueueFlushFlags = AccountFlags & { readonly json?: boolean };

const NOTHING: Flushed = {
  delivered: 0,
  refused: 0,
  lost: 0,
  waiting: 0,
  isByOther: false,
  failure: undefined,
};

/** `km queue flush`: delivers what waits for an account, and tells APIs which tokens to end, now. */
export function runQueueFlush(flags: QueueFlushFlags, context: CommandContext): Promise<number> {
  return whileSpinning('delivering', context, (spoken) => flush(flags, spoken));
}

async function flush(flags: QueueFlushFlags, context: CommandContext): Promise<number> {
  const access = await AccountAccess.open(flags, context);
  const place = queuePlace(context, access.storage);
  const onTrouble = (message: string): void => context.tell(`km: ${message}`);
  const room = place === undefined ? undefined : new QueueRoom(place.root, place.limits, context.clock);

  async function makeRoom(bytes: number): Promise<boolean> {
    if (room === undefined) return true;
    const { isThere, givenUp } = await room.make(bytes);
    for (const { events, why } of givenUp) onTrouble(droppedMessage(events, why));
    return isThere;
  }

  const revocations = await deliverPendingRevocations(context);
  const queue = await accountQueueOf(access, place, context, { onTrouble, makeRoom });
  const isEmpty =
    place === undefined || !((await queue.hasLeftovers()) || (await queue.refused()).length > 0);
  const flushed = isEmpty ? NOTHING : await flushQueue({ access, queue, place }, context);
  await access.stop();

  const { delivered, refused, lost, waiting, failure } = flushed;
  if (flags.json === true) {
    const report = {
      ...{ delivered, refused, lost, waiting, failure: failure?.reason ?? null },
      revocations: { delivered: revocations.delivered, waiting: revocations.waiting.size },
    };
    await context.answer(`${JSON.stringify(report, undefined, 2)}\n`);
  } else {
    tellPeople(flushed, context);
    if (isNothing(flushed)) context.tell(`km: ${await wordsForNothing(access, place, context)}`);
  }
  if (failure !== undefined) {
    context.tell(`km: ${eventsIn(waiting)} in the queue, because ${failure.reason}`);
    if (failure.code !== undefined) return exitCodeOf(failure.code);
    return failure.needsHuman ? EXIT.failed : EXIT.tryLater;
  }
  if (revocations.waiting.size === 0) return EXIT.done;
  context.tell('km: an API cannot be told yet which logins are over: it is told later');
  return EXIT.tryLater;
}

function tellPeople({ delivered, refused, lost, isByOther }: Flushed, { tell }: CommandContext): void {
  if (delivered > 0) tell(`km: ${eventsIn(delivered)} delivered`);
  if (isByOther) tell('km: another km that runs has delivered what waited');
  if (refused > lost) tell(`km: ${eventsIn(refused - lost)} set aside: the API refused`);
  if (lost > 0)
    tell(`km: ${eventsIn(lost)} lost: the API refused, and nothing could be set aside on the disk`);
}

function isNothing({ delivered, refused, waiting, isByOther, failure }: Flushed): boolean {
  return delivered + refused + waiting === 0 && !isByOther && failure === undefined;
}

async function waitingIn({ root, keys }: QueuePlace, { clock }: CommandContext): Promise<number> {
  const folders = await accountFoldersIn(root);
  return (await new WaitingCount({ folders, keys, clock }).look()).events;
}

/** That nothing waited for this account; what waits is for others then, and is not to be taken for delivered. */
async function wordsForNothing(
  { account }: AccountAccess,
  place: QueuePlace | undefined,
  context: CommandContext,
): Promise<string> {
  const others = place === undefined ? 0 : await waitingIn(place, context);
  if (others === 0) return 'nothing waits in the queue';
  const wait = others === 1 ? 'waits' : 'wait';
  return `nothing waits for profile ${account.profile}; ${eventsIn(others)} ${wait} for others: km queue status`;
}
