import { rmSync } from 'node:fs';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import type { MonitorEvent } from '../src/monitor/monitor-event.js';
import type { DeliveryNotice } from '../src/monitor/monitor-notice.js';
import { AccountQueue } from '../src/queue/account-queue.js';
import { EventJournal } from '../src/queue/event-journal.js';
import { QueueDelivery } from '../src/queue/queue-delivery.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys, until } from './support/queue.js';

const DELIVERED: SendOutcome = { type: 'delivered' };
const DOWN: SendOutcome = { type: 'postponed', reason: 'down', needsHuman: false };
const LOGGED_OUT: SendOutcome = { type: 'postponed', reason: 'log in', needsHuman: true };

type Answer = SendOutcome | Promise<SendOutcome>;

/** The disk is real, and takes real time: the clock stands still meanwhile. */
async function diskAtRest(): Promise<void> {
  for (let idleTurns = 0; idleTurns < 3; idleTurns += 1) {
    await turn();
    const names = process.getActiveResourcesInfo();
    if (names.some((name) => name.startsWith('FSReq') || name === 'CloseReq')) idleTurns = 0;
  }
}

/** A process with a queue, whose API answers as scripted, the last answer again and again. */
function startProcess(
  options: {
    readonly script?: readonly Answer[];
    readonly folder?: string | undefined;
    readonly keys?: SegmentKeys;
    readonly clock?: FakeClock;
  } = {},
) {
  const { script = [DELIVERED], keys = newKeys(), clock = new FakeClock() } = options;
  const folder = 'folder' in options ? options.folder : accountFolder();
  const batches: (readonly string[])[] = [];
  const notices: DeliveryNotice[] = [];
  const answers = { isLoggedIn: true };
  const account = { profile: 'default', origin: 'https://api.example' };
  const queue = new AccountQueue({
    account,
    folder,
    adopts: [],
    keys,
    clock,
    random: () => 1,
    onTrouble: (message) => notices.push({ type: 'queue.trouble', message }),
  });
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
      keepRefused: () => Promise.resolve(),
      lookAgain: () => Promise.resolve(answers.isLoggedIn),
      send: (batch) => {
        batches.push(batch.events.map(({ id }) => id));
        return Promise.resolve(script[Math.min(batches.length, script.length) - 1] ?? DELIVERED);
      },
    },
    queue,
  );
  onTestFinished(async () => {
    const finished = delivery.finish(0);
    await clock.advance(1);
    await finished;
    await journal.close();
    await queue.release();
  });
  const step = async (): Promise<void> => {
    await clock.advance(10);
    await delay(1);
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
  return { clock, folder, keys, batches, notices, answers, queue, journal, delivery, add, pass, passUntil };
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `event-${from + n}`);
const once = (batches: readonly (readonly string[])[]) => [...new Set(batches.flat())];

describe('delivery', () => {
  test('sends ten events at once, and what is left two seconds after it happened', async () => {
    const { add, batches, delivery, pass, passUntil } = startProcess();
    delivery.start();
    add(...ids(0, 23));
    const ms = await passUntil(() => batches.length === 2);
    expect(batches.map((batch) => batch.length)).toEqual([10, 10]);
    expect(ms).toBeLessThan(1_900);
    await pass(1_900 - ms);
    expect(batches).toHaveLength(2);
    await passUntil(() => batches.length === 3);
    expect(batches.flat()).toEqual(ids(0, 23));
  });

  test('sends more at once the more there is, and no more than four times a second while much comes', async () => {
    const { add, batches, clock, pass, passUntil } = startProcess();
    const sentAtMs: number[] = [];
    let count = 0;
    const more = (events: number) => {
      add(...ids(count, count + events));
      count += events;
    };
    const large = () => batches.filter(({ length }) => length > 10).length;
    more(400);
    while (large() < 4) {
      more(20);
      await pass(10);
      while (sentAtMs.length < batches.length) sentAtMs.push(clock.monotonicMs());
    }
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10, 20, 40, 80, 160]);
    const [first = 0, ...others] = sentAtMs.slice(-4);
    let before = first;
    for (const atMs of others) {
      expect(atMs - before).toBeGreaterThanOrEqual(240);
      before = atMs;
    }
    expect(batches.flat().length).toBeLessThan(count);
    await passUntil(() => batches.flat().length === count);
    expect(batches.flat()).toEqual(ids(0, count));
    // Little is sent as before.
    more(10);
    await passUntil(() => batches.flat().length === count);
    expect(batches.at(-1)).toHaveLength(10);
  });

  test('sends once what was written while its batch waited for more', async () => {
    const { add, batches, delivery, folder = '', pass, passUntil } = startProcess();
    delivery.start();
    for (let n = 0; n < 8; n += 1) {
      add(`event-${n}`);
      await pass(200);
    }
    expect(await countWaiting(folder)).toBeGreaterThan(5);
    await passUntil(() => batches.length > 0);
    await pass(3_000);
    expect(batches.flat()).toEqual(ids(0, 8));
  });

  test('leaves nothing on the disk of what the API took at once', async () => {
    const { add, batches, folder = '', passUntil } = startProcess();
    add(...ids(0, 10));
    await passUntil(() => batches.length === 1);
    const before = filesIn(folder);
    // No time passes for the process: the API is faster than its patience.
    add(...ids(10, 20));
    await until(() => batches.length === 2);
    expect(batches.flat()).toEqual(ids(0, 20));
    expect(filesIn(folder)).toEqual(before);
  });

  test('writes what the API does not take within 50 ms, and sends it until it does', async () => {
    const {
      add,
      batches,
      folder = '',
      notices,
      passUntil,
    } = startProcess({ script: [DOWN, DOWN, DOWN, DELIVERED] });
    add(...ids(0, 10));
    await passUntil(() => filesIn(folder).some((name) => name.endsWith('.open')));
    const ms = await passUntil(() => batches.length === 4);
    expect(new Set(batches.map((batch) => batch.join()))).toEqual(new Set([ids(0, 10).join()]));
    expect(ms).toBeGreaterThan(3_000);
    await passUntil(() => notices.some(({ type }) => type === 'batch.delivered'));
    await until(async () => (await countWaiting(folder)) === 0);
  });

  test('keeps the order while the API goes and comes, from memory and from the disk', async () => {
    const script: SendOutcome[] = Array.from({ length: 60 }, (_, n) => (n % 3 === 1 ? DOWN : DELIVERED));
    const { add, batches, notices, pass, passUntil, folder = '' } = startProcess({ script });
    for (let n = 0; n < 20; n += 1) {
      add(...ids(n * 7, n * 7 + 7));
      await pass(n % 4 === 0 ? 300 : 25);
    }
    const count = () =>
      notices.reduce(
        (sum, each) => sum + (each.type === 'batch.delivered' ? each.batch.events.length : 0),
        0,
      );
    await passUntil(() => count() >= 140);
    expect(once(batches)).toEqual(ids(0, 140));
    expect(count()).toBe(140);
    await until(async () => (await countWaiting(folder)) === 0);
  });

  test('is written before 200 ms are over while an answer does not come, and is sent once when it comes', async () => {
    let answer: (outcome: SendOutcome) => void = () => undefined;
    const late = new Promise<SendOutcome>((resolve) => (answer = resolve));
    const {
      add,
      batches,
      folder = '',
      pass,
      passUntil,
      journal,
    } = startProcess({ script: [late, DELIVERED] });
    add(...ids(0, 15));
    await passUntil(() => batches.length === 1);
    await pass(150);
    await journal.flushing;
    expect(await countWaiting(folder)).toBe(15);
    answer(DELIVERED);
    await passUntil(() => batches.length === 2);
    expect(batches.flat()).toEqual(ids(0, 15));
  });

  test('waits for no human: what cannot be sent waits on the disk, and goes when somebody has logged in', async () => {
    const {
      add,
      answers,
      batches,
      delivery,
      folder = '',
      notices,
      pass,
      passUntil,
    } = startProcess({
      script: [LOGGED_OUT, DELIVERED],
    });
    answers.isLoggedIn = false;
    delivery.start();
    add(...ids(0, 12));
    await passUntil(() => notices.some(({ type }) => type === 'batch.postponed'));
    await passUntil(() => filesIn(folder).length > 0);
    add(...ids(12, 30));
    await pass(2_000);
    expect(batches).toHaveLength(1);
    answers.isLoggedIn = true;
    await passUntil(() => once(batches).length === 30);
    expect(once(batches)).toEqual(ids(0, 30));
  });
});

describe('with other processes', () => {
  test('one delivers, the others hand over; when it ends another takes its place', async () => {
    const keys = newKeys();
    const clock = new FakeClock();
    const first = startProcess({ keys, clock });
    const shared = { keys, clock, folder: first.folder };
    const [second, third] = [startProcess(shared), startProcess(shared)];
    first.add(...ids(0, 10));
    await first.passUntil(() => first.batches.length === 1);
    second.delivery.start();
    third.delivery.start();
    second.add('by the second');
    third.add('by the third');
    await first.passUntil(() => once(first.batches).length === 12);
    expect([second.batches, third.batches]).toEqual([[], []]);

    await first.delivery.finish(0);
    await first.queue.release();
    second.add('later');
    await first.passUntil(() => second.batches.length + third.batches.length > 0);
    expect([...second.batches, ...third.batches]).toEqual([['later']]);
  });

  test('delivers what the dead left behind, the oldest first, before what is new', async () => {
    const { add, batches, delivery, folder = '', keys, passUntil } = startProcess();
    await beginSegment(folder, keys, [eventAt('b', 2_000), eventAt('d', 4_000)]);
    await beginSegment(folder, keys, [eventAt('a', 1_000), eventAt('c', 3_000)]);
    add('new');
    delivery.start();
    await passUntil(() => batches.length === 1);
    expect(batches).toEqual([['a', 'b', 'c', 'd', 'new']]);
  });

  test('has a batch carry its session, or that of who delivers where it has events of several', async () => {
    const { add, delivery, folder = '', keys, notices, passUntil } = startProcess();
    await beginSegment(folder, keys, [{ ...eventAt('1', 1), correlationId: 'another' }]);
    add('2');
    delivery.start();
    const delivered = () => notices.find(({ type }) => type === 'batch.delivered');
    await passUntil(() => delivered() !== undefined);
    expect(delivered()).toMatchObject({ batch: { correlationId: 'delivery', events: [{}, {}] } });
  });
});

describe('at the end', () => {
  /** Lets time pass until `promise` settles. */
  async function settled<T>(run: ReturnType<typeof startProcess>, promise: Promise<T>): Promise<T> {
    let isOver = false;
    void promise.finally(() => (isOver = true));
    await run.passUntil(() => isOver);
    return promise;
  }

  test('what is left is sent at once, without sitting out the two seconds', async () => {
    const run = startProcess();
    run.delivery.start();
    run.add(...ids(0, 3));
    await run.pass(50);
    expect(run.batches).toEqual([]);
    await settled(run, run.delivery.finish(3_000));
    expect(run.batches).toEqual([ids(0, 3)]);
  });

  test('it tries for three seconds, then leaves the rest on the disk', async () => {
    const run = startProcess({ script: [DOWN] });
    run.add(...ids(0, 12));
    const startedAtMs = run.clock.monotonicMs();
    await settled(run, run.delivery.finish(3_000));
    expect(run.clock.monotonicMs() - startedAtMs).toBeLessThan(3_200);
    expect(run.batches.length).toBeGreaterThan(1);
    await run.journal.close();
    expect(await countWaiting(run.folder ?? '')).toBe(12);
  });

  test.each([
    ['a human', LOGGED_OUT],
    ['longer than it may', { ...DOWN, retryAfterMs: 60_000 }],
  ])('it does not wait for %s', async (_, outcome) => {
    const run = startProcess({ script: [outcome] });
    run.add(...ids(0, 3));
    await settled(run, run.delivery.finish(3_000));
    expect(run.batches).toHaveLength(1);
    await run.journal.close();
    expect(await countWaiting(run.folder ?? '')).toBe(3);
  });

  test('it waits for no answer that does not come', async () => {
    const run = startProcess({ script: [new Promise<SendOutcome>(() => undefined)] });
    run.add(...ids(0, 3));
    expect(await settled(run, run.delivery.finish(3_000))).toMatchObject({ isUnderWay: true });
    await run.journal.close();
    expect(await countWaiting(run.folder ?? '')).toBe(3);
  });

  test('with nothing to deliver it ends at once, and leaves nothing behind', async () => {
    const run = startProcess();
    await settled(run, run.delivery.finish(3_000));
    expect([run.batches, filesIn(run.folder ?? '')]).toEqual([[], []]);
  });

  test('where another process delivers, what is left is handed over', async () => {
    const first = startProcess();
    first.add(...ids(0, 10));
    await first.passUntil(() => first.batches.length === 1);
    const second = startProcess({ keys: first.keys, folder: first.folder, clock: first.clock });
    second.add('left');
    expect(await settled(second, second.delivery.finish(3_000))).toMatchObject({ isHandedOver: true });
    await second.journal.close();
    await first.passUntil(() => first.batches.flat().includes('left'));
    expect(second.batches).toEqual([]);
  });
});

describe('where nothing can be written', () => {
  test('events are delivered from memory, in order', async () => {
    const { add, batches, delivery, passUntil } = startProcess({
      folder: undefined,
      script: [DOWN, DELIVERED],
    });
    delivery.start();
    add(...ids(0, 25));
    await passUntil(() => once(batches).length === 25);
    expect(once(batches)).toEqual(ids(0, 25));
  });

  test('memory is bounded: the oldest are given up, with their number', async () => {
    const { delivery, notices } = startProcess({ folder: undefined, script: [DOWN] });
    const event: MonitorEvent = { ...eventNamed('large'), payload: Buffer.alloc(1024 * 1024) };
    for (let n = 0; n < 20; n += 1) delivery.add(event);
    const dropped = notices.reduce((sum, each) => sum + (each.type === 'events.dropped' ? each.count : 0), 0);
    expect(dropped).toBe(5);
  });

  test('it says so once, however often it is tried again', async () => {
    const folder = '/dev/null/queue';
    const { add, notices, pass } = startProcess({ folder, script: [DOWN] });
    add(...ids(0, 3));
    await pass(6_000);
    expect(notices.filter(({ type }) => type === 'queue.trouble')).toHaveLength(1);
  });

  test('a folder that was removed is made again', async () => {
    const { add, batches, folder = '', passUntil } = startProcess({ script: [DOWN, DOWN, DELIVERED] });
    add(...ids(0, 10));
    await passUntil(() => filesIn(folder).length > 0);
    rmSync(folder, { recursive: true });
    add(...ids(10, 20));
    await passUntil(() => filesIn(folder).length > 0);
    await passUntil(() => once(batches).length === 20);
  });
});
