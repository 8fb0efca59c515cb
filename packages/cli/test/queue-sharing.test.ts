import { describe, expect, test } from 'vitest';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';
import { ids, once, startProcess } from './support/queue-process.js';

describe('delivery with other processes', () => {
  test('one delivers, the others hand over; when it ends another takes its place', async () => {
    const keys = newKeys();
    const clock = new FakeClock();
    const first = await startProcess({ keys, clock });
    const shared = { keys, clock, folder: first.folder };
    const [second, third] = [await startProcess(shared), await startProcess(shared)];
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

  test('asks whether the other still delivers every 2 s or so, whatever passes meanwhile', async () => {
    const keys = newKeys();
    const clock = new FakeClock();
    const first = await startProcess({ keys, clock });
    const second = await startProcess({ keys, clock, folder: first.folder });
    first.add(...ids(1_000, 1_010));
    await first.passUntil(() => first.batches.length === 1);
    for (let n = 0; n < 95; n += 1) {
      second.add(...ids(n * 10, n * 10 + 10));
      await second.pass(100);
    }
    // With `random` at its most it is 2.5 s.
    expect(second.asked.right).toBe(4);
    await first.passUntil(() => once(first.batches).length === 960);
    expect(second.batches).toEqual([]);
  });

  test('delivers what the dead left behind, the oldest first, before what is new', async () => {
    const { add, batches, delivery, folder = '', keys, passUntil } = await startProcess();
    await beginSegment(folder, keys, [eventAt('b', 2_000, 'one'), eventAt('d', 4_000, 'one')]);
    await beginSegment(folder, keys, [eventAt('a', 1_000, 'other'), eventAt('c', 3_000, 'other')]);
    add('new');
    delivery.start();
    await passUntil(() => batches.length === 1);
    expect(batches).toEqual([['a', 'b', 'c', 'd', 'new']]);
  });

  test('has a batch carry its session, or that of who delivers where it has events of several', async () => {
    const { add, delivery, folder = '', keys, notices, passUntil } = await startProcess();
    await beginSegment(folder, keys, [{ ...eventAt('1', 1), correlationId: 'another' }]);
    add('2');
    delivery.start();
    const delivered = () => notices.find(({ type }) => type === 'batch.delivered');
    await passUntil(() => delivered() !== undefined);
    expect(delivered()).toMatchObject({ batch: { correlationId: 'delivery', events: [{}, {}] } });
  });

  test('takes nothing of what was captured before its account could be told, once that is no longer its own', async () => {
    const [undecided, keys] = [accountFolder(), newKeys()];
    const rights = { isOurs: true };
    const run = await startProcess({
      keys,
      adopts: [undecided],
      mayAdopt: () => Promise.resolve(rights.isOurs),
    });
    run.delivery.start();
    await beginSegment(undecided, keys, [eventAt('ours', 1_000)]);
    await run.passUntil(() => once(run.batches).includes('ours'));
    rights.isOurs = false;
    await beginSegment(undecided, keys, [eventAt('of who logs in next', 2_000)]);
    await run.pass(30_000);
    expect(once(run.batches)).toEqual(['ours']);
    expect(filesIn(undecided)).toHaveLength(1);
  });
});
