import type * as files from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { flushQueue } from '../src/queue/flush-queue.js';
import { beginSegment, eventAt } from './support/queue.js';
import { ids, once, startProcess } from './support/queue-process.js';

/** By folder: how it fails. */
const failing = vi.hoisted(() => new Map<string, string>());

/** A folder that the disk cannot read, or the process may not. */
vi.mock('node:fs/promises', async (original) => {
  const whole = await original<typeof files>();
  return {
    ...whole,
    readdir: (path: string) => {
      const code = failing.get(path);
      return code === undefined
        ? whole.readdir(path)
        : Promise.reject(Object.assign(new Error(`${code}, scandir '${path}'`), { code }));
    },
  };
});

test.each(['EACCES', 'EMFILE', 'EIO'])(
  'nothing newer is sent before what is in a folder that cannot be read for a while: %s',
  async (code) => {
    const run = await startProcess();
    const { folder = '', keys } = run;
    await (await beginSegment(folder, keys, [eventAt('old', 1_000, 'other')])).close();
    failing.set(folder, code);
    run.delivery.start();
    run.add(...ids(0, 12));
    await run.pass(15_000);
    expect(run.batches).toEqual([]);
    expect(new Set(run.notices.map((notice) => JSON.stringify(notice)))).toEqual(
      new Set([
        JSON.stringify({
          type: 'queue.trouble',
          message: `the queue cannot be read: ${code}, scandir '${folder}'; see that this user may read that folder`,
        }),
      ]),
    );
    failing.delete(folder);
    await run.passUntil(() => once(run.batches).length === 13);
    expect(once(run.batches)).toEqual(['old', ...ids(0, 12)]);
  },
);

test('km queue flush does not say that nothing waits in a folder that cannot be read', async () => {
  const { queue, keys, folder = '', clock } = await startProcess();
  await (await beginSegment(folder, keys, [eventAt('old', 1_000)])).close();
  const context = { clock, createId: () => 'id', version: '0.0.0' };
  failing.set(folder, 'EACCES');
  const failure = { exitCode: 1, message: expect.stringContaining('the queue cannot be read') as string };
  await expect(queue.hasLeftovers()).rejects.toMatchObject(failure);
  const access = { send: () => Promise.reject(new Error('unreachable: nothing is sent')) };
  await expect(flushQueue({ access, queue, place: { keys } }, context)).rejects.toMatchObject(failure);
});
