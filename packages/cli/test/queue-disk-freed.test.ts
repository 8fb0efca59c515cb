import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileCache } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import { countWaiting } from '../src/queue/segment-folder.js';
import { SegmentKeys } from '../src/queue/segment-keys.js';
import { temporaryFolder } from './support/context.js';
import { accountFolder, filesIn, until } from './support/queue.js';
import { DELIVERED, DOWN, ids, once, startProcess } from './support/queue-process.js';

/** A process whose disk is full, as far as it can tell: nothing is sealed, and the lock is not to be had. */
async function startOnFullDisk(script = [DELIVERED]) {
  const [folder, files] = [accountFolder(), createFileCache({ folder: temporaryFolder(), environment: {} })];
  let isFull = false;
  const keys = new SegmentKeys({
    recordSealer: () => (isFull ? Promise.reject(new Error('ENOSPC')) : files.recordSealer()),
  });
  const run = await startProcess({ folder, keys, script });
  const lock = join(folder, '.lock');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(lock, '');
  isFull = true;
  return {
    ...run,
    folder,
    /** Events can be written; who delivers them cannot be said yet. */
    writable: () => (isFull = false),
    freed() {
      isFull = false;
      rmSync(lock, { force: true });
    },
  };
}

describe('a disk that becomes writable again', () => {
  test.each(Array.from({ length: 25 }, (_, n) => n * 200))(
    'costs no event and no order, whoever looks at it first: the first event after %i ms',
    async (firstMs) => {
      const run = await startOnFullDisk();
      run.delivery.start();
      let count = 0;
      const capture = () => run.add(...ids(count, (count += 1)));
      for (let atMs = 0; atMs < 12_000; atMs += 40) {
        if (atMs === 5_000) run.freed();
        if (atMs === firstMs || atMs >= 4_000) capture();
        await run.pass(40);
      }
      await run.passUntil(() => once(run.batches).length === count);
      expect(once(run.batches)).toEqual(ids(0, count));
      await until(async () => (await countWaiting(run.folder)) === 0);
    },
    30_000,
  );

  test('is read by who wrote to it where nobody can say who delivers, and what is new waits for that', async () => {
    const run = await startOnFullDisk([DOWN, DOWN, DOWN, DELIVERED]);
    run.add(...ids(0, 10));
    await run.passUntil(() => run.batches.length === 1);
    run.writable();
    await run.passUntil(() => filesIn(run.folder).length > 0);
    for (let n = 10; n < 40; n += 1) {
      run.add(...ids(n, n + 1));
      await run.pass(30);
    }
    await run.passUntil(() => once(run.batches).length === 40);
    expect(once(run.batches)).toEqual(ids(0, 40));
    expect(run.batches.flat().filter((id) => id === 'event-39')).toHaveLength(1);
  });
});
