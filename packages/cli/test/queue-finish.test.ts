import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { filesIn } from './support/queue.js';
import { DOWN, ids, LOGGED_OUT, startProcess } from './support/queue-process.js';

describe('delivery at the end', () => {
  /** Lets time pass until `promise` settles. */
  async function settled<T>(run: Awaited<ReturnType<typeof startProcess>>, promise: Promise<T>): Promise<T> {
    let isOver = false;
    void promise.finally(() => (isOver = true));
    await run.passUntil(() => isOver);
    return promise;
  }

  test('what is left is sent at once, without sitting out the two seconds', async () => {
    const run = await startProcess();
    run.delivery.start();
    run.add(...ids(0, 3));
    await run.pass(50);
    expect(run.batches).toEqual([]);
    await settled(run, run.delivery.finish(3_000));
    expect(run.batches).toEqual([ids(0, 3)]);
  });

  test('it tries for three seconds, then leaves the rest on the disk', async () => {
    const run = await startProcess({ script: [DOWN] });
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
    const run = await startProcess({ script: [outcome] });
    run.add(...ids(0, 3));
    await settled(run, run.delivery.finish(3_000));
    expect(run.batches).toHaveLength(1);
    await run.journal.close();
    expect(await countWaiting(run.folder ?? '')).toBe(3);
  });

  test('it waits for no answer that does not come', async () => {
    const run = await startProcess({ script: [new Promise<SendOutcome>(() => undefined)] });
    run.add(...ids(0, 3));
    expect(await settled(run, run.delivery.finish(3_000))).toMatchObject({ isUnderWay: true });
    await run.journal.close();
    expect(await countWaiting(run.folder ?? '')).toBe(3);
  });

  test('what becomes of a request after the end is told nobody, and keeps no other process from trying', async () => {
    let answer: (outcome: SendOutcome) => void = () => undefined;
    const run = await startProcess({ script: [new Promise<SendOutcome>((resolve) => (answer = resolve))] });
    run.add(...ids(0, 3));
    await settled(run, run.delivery.finish(3_000));
    answer({ type: 'postponed', reason: 'this manager was stopped while it waited', needsHuman: false });
    await run.pass(50);
    expect(run.notices).toEqual([]);
    expect(await run.queue.schedule.lastFailure()).toBeUndefined();
  });

  test('with nothing to deliver it ends at once, and leaves nothing behind', async () => {
    const run = await startProcess();
    await settled(run, run.delivery.finish(3_000));
    expect([run.batches, filesIn(run.folder ?? '')]).toEqual([[], []]);
  });

  test('where another process delivers, what is left is handed over', async () => {
    const first = await startProcess();
    first.add(...ids(0, 10));
    await first.passUntil(() => first.batches.length === 1);
    const second = await startProcess({ keys: first.keys, folder: first.folder, clock: first.clock });
    second.add('left');
    expect(await settled(second, second.delivery.finish(3_000))).toMatchObject({ isHandedOver: true });
    await second.journal.close();
    await first.passUntil(() => first.batches.flat().includes('left'));
    expect(second.batches).toEqual([]);
  });
});
