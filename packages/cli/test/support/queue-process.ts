import { setImmediate as turn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { SendOutcome } from '../../src/monitor/batch-sender.js';
import type { DeliveryNotice } from '../../src/monitor/monitor-notice.js';
import { AccountQueue, type AccountQueueOptions } from '../../src/queue/account-queue.js';
import { EventJournal } from '../../src/queue/event-journal.js';
import { QueueDelivery } from '../../src/queue/queue-delivery.js';
import type { SegmentKeys } from '../../src/queue/segment-keys.js';
import { eventNamed } from './events.js';
import { FakeClock } from './fake-clock.js';
import { accountFolder, newKeys } from './queue.js';

export const DELIVERED: SendOutcome = { type: 'delivered' };
export const DOWN: SendOutcome = { type: 'postponed', reason: 'down', needsHuman: false };
export const LOGGED_OUT: SendOutcome = { type: 'postponed', reason: 'log in', needsHuman: true };

type Answer = SendOutcome | Promise<SendOutcome>;

/** The disk is real, and takes real time: the clock stands still meanwhile. */
export async function diskAtRest(): Promise<void> {
  for (let idleTurns = 0; idleTurns < 3; idleTurns += 1) {
    await turn();
    const names = process.getActiveResourcesInfo();
    if (names.some((name) => name.startsWith('FSReq') || name === 'CloseReq')) idleTurns = 0;
  }
}

/** A process with a queue, whose API answers as scripted, the last answer again and again. */
export async function startProcess(
  options: {
    readonly script?: readonly Answer[];
    /** What the API answers to events, instead of a script. */
    readonly answer?: (ids: readonly string[]) => SendOutcome;
    readonly folder?: string | undefined;
    readonly adopts?: readonly string[];
    readonly mayAdopt?: AccountQueueOptions['mayAdopt'];
    readonly keys?: SegmentKeys;
    readonly clock?: FakeClock;
    /** Of what other sessions left. */
    readonly makeRoom?: AccountQueueOptions['makeRoom'];
  } = {},
) {
  const { script = [DELIVERED], answer, keys = newKeys(), clock = new FakeClock() } = options;
  const {
    makeRoom = () => Promise.resolve(true),
    adopts = [],
    mayAdopt = () => Promise.resolve(true),
  } = options;
  const folder = 'folder' in options ? options.folder : accountFolder();
  // What writes is loaded late, which takes real time and no disk that can be seen: here, before the clock moves.
  await keys.current();
  const batches: (readonly string[])[] = [];
  const notices: DeliveryNotice[] = [];
  const answers: { isLoggedIn: boolean; settingsError?: Error } = { isLoggedIn: true };
  /** How often it was asked whether somebody logged in, and whether this process may deliver. */
  const asked = { login: 0, right: 0 };
  const account = { profile: 'default', origin: 'https://api.example' };
  const queue = new AccountQueue({
    account,
    folder,
    adopts,
    mayAdopt,
    keys,
    clock,
    random: () => 1,
    maxSegmentBytes: 100_000,
    makeRoom,
    onTrouble: (message) => notices.push({ type: 'queue.trouble', message }),
  });
  const right = queue.right.bind(queue);
  queue.right = (isWritable) => {
    asked.right += 1;
    return right(isWritable);
  };
  const journal = new EventJournal(
    {
      clock,
      keys,
      maxSegmentBytes: 100_000,
      makeRoom: () => Promise.resolve(true),
      onDropped: (count, why) => notices.push({ type: 'events.dropped', count, why }),
      onUnwritable: (error) => notices.push({ type: 'queue.trouble', message: String(error) }),
    },
    folder === undefined ? undefined : { folder, account },
  );
  const delivery = new QueueDelivery(
    {
      clock,
      random: () => 1,
      journal,
      sender: { correlationId: 'delivery', cliVersion: '0.0.0' },
      notify: (notice) => notices.push(notice),
      keepRefused: () => Promise.resolve(true),
      lookAgain: () => {
        asked.login += 1;
        const { isLoggedIn, settingsError } = answers;
        return settingsError === undefined ? Promise.resolve(isLoggedIn) : Promise.reject(settingsError);
      },
      send: (batch) => {
        const sent = batch.events.map(({ id }) => id);
        batches.push(sent);
        if (answer !== undefined) return Promise.resolve(answer(sent));
        return Promise.resolve(script[Math.min(batches.length, script.length) - 1] ?? DELIVERED);
      },
    },
    queue,
  );
  const end = async (): Promise<void> => {
    const finished = delivery.finish(0);
    await clock.advance(1);
    await finished;
    await journal.close();
    await queue.release();
    await diskAtRest();
  };
  onTestFinished(end);
  const step = async (): Promise<void> => {
    await clock.advance(10);
    await diskAtRest();
  };
  const passUntil = async (isSo: () => boolean): Promise<number> => {
    const startedAtMs = clock.monotonicMs();
    for (let steps = 0; !isSo(); steps += 1) {
      if (steps > 4_000) throw new Error(`in vain: ${String(isSo)}`);
      await step();
    }
    return clock.monotonicMs() - startedAtMs;
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) await step();
  };
  const add = (...ids: readonly string[]): void => {
    for (const id of ids)
      delivery.add({ ...eventNamed(id), timestamp: new Date(clock.nowMs()).toISOString() });
  };
  return {
    clock,
    folder,
    keys,
    batches,
    notices,
    answers,
    asked,
    queue,
    journal,
    delivery,
    add,
    pass,
    passUntil,
    end,
  };
}

export const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `event-${from + n}`);
export const once = (batches: readonly (readonly string[])[]) => [...new Set(batches.flat())];
