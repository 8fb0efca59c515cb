import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clearQueue } from '../src/queue/clear-queue.js';
import { listPreludes } from '../src/queue/prelude-file.js';
import { leavePrelude } from './support/left-prelude.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys, until } from './support/queue.js';
import { DELIVERED, DOWN, ids, once, startProcess } from './support/queue-process.js';

const bytesIn = (folder: string) =>
  filesIn(folder).reduce(
    (bytes, name) => bytes + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

describe('what a killed session left', () => {
  test('is made ready as it is delivered: the disk needs little more for it, whether the API answers or not', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 20_000);
    const before = bytesIn(folder);
    const run = await startProcess({
      folder,
      keys,
      script: [...Array<typeof DOWN>(5).fill(DOWN), DELIVERED],
    });
    run.delivery.start();
    let mostBytes = 0;
    await run.passUntil(() => {
      mostBytes = Math.max(mostBytes, bytesIn(folder));
      return once(run.batches).length === 20_000;
    });
    expect(mostBytes - before).toBeLessThan(1024 * 1024);
    const places = once(run.batches).map((id) => Number.parseInt(id.slice(-12), 16));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    await run.passUntil(() => filesIn(folder).length === 0);
  }, 60_000);

  test('and cannot be made ready keeps nothing else, is tried again, and leaves no empty files', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 10);
    await (await beginSegment(folder, keys, [eventAt('of another', 5_000)])).close();
    let isFull = true;
    const run = await startProcess({
      folder,
      keys,
      makeRoom: () => (isFull ? Promise.reject(new Error('ENOSPC')) : Promise.resolve(true)),
    });
    run.delivery.start();
    run.add(...ids(0, 3));
    await run.passUntil(() => once(run.batches).length === 4);
    await run.pass(15_000);
    expect(once(run.batches)).toEqual(['of another', ...ids(0, 3)]);
    expect(run.notices).toContainEqual({
      type: 'queue.trouble',
      message: 'what a session left cannot be made ready to be delivered, for now: ENOSPC',
    });
    expect(await listPreludes(folder)).toHaveLength(1);
    expect(filesIn(folder).filter((name) => name.endsWith('.closed'))).toEqual([]);
    isFull = false;
    await run.passUntil(() => once(run.batches).length === 14);
    await until(() => listPreludes(folder).then(({ length }) => length === 0));
  });

  test('and is cleared while it is delivered is delivered no further', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 20_000);
    let answerFourth: () => void = () => undefined;
    const fourth = new Promise<typeof DELIVERED>((resolve) => {
      answerFourth = () => resolve(DELIVERED);
    });
    const run = await startProcess({
      folder,
      keys,
      script: [...Array<typeof DELIVERED>(3).fill(DELIVERED), fourth, DELIVERED],
    });
    run.delivery.start();
    await run.passUntil(() => run.batches.length > 3);
    await clearQueue([folder], { ...run, random: () => 1 });
    answerFourth();
    await run.pass(1_000);
    // What was in hand as it was cleared goes out.
    expect(once(run.batches).length).toBeLessThan(10_000);
    await run.end();
    expect(filesIn(folder).filter((name) => !name.endsWith('.position'))).toEqual([]);
  }, 60_000);
});
