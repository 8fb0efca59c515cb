import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type * as files from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { expect, test, vi } from 'vitest';
import { listPreludes } from '../src/queue/prelude-file.js';
import { PreludeRecovery } from '../src/queue/recover-preludes.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { leavePrelude } from './support/left-prelude.js';
import { accountFolder, newKeys } from './support/queue.js';

/** Folders that were made read-only once their preludes were made into events. */
const readOnly = vi.hoisted(() => new Set<string>());

vi.mock('node:fs/promises', async (original) => {
  const whole = await original<typeof files>();
  return {
    ...whole,
    unlink: (path: string) =>
      readOnly.has(dirname(path))
        ? Promise.reject(Object.assign(new Error('EROFS'), { code: 'EROFS' }))
        : whole.unlink(path),
  };
});

test.each([
  ['removed', 1_000],
  ['moved out of the way', 500],
])(
  'what a session left that cannot be %s is made ready once, told, and keeps nothing else',
  async (how, events) => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 1_000);
    const [path = ''] = await listPreludes(folder);
    readOnly.add(folder);
    if (events < 1_000) {
      mkdirSync(join(`${path}.corrupt`, 'in the way'), { recursive: true });
      const bytes = readFileSync(path);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 10) ^ 1, bytes.length - 10);
      writeFileSync(path, bytes);
    }
    const told: string[] = [];
    const recovery = new PreludeRecovery({
      ...{ folder, keys, clock: systemClock, maxSegmentBytes: 1_000_000 },
      account: { profile: 'default', origin: undefined },
      makeRoom: () => Promise.resolve(true),
      onTrouble: (message) => told.push(message),
    });
    for (let looks = 0; looks < 3; looks += 1) {
      recovery.lookAgain();
      for (let steps = 0; await recovery.step(); steps += 1) expect(steps).toBeLessThan(10);
    }
    await recovery.close();
    expect(await countWaiting(folder)).toBe(events);
    expect(told).toEqual([expect.stringContaining(`cannot be ${how}`)]);
  },
);
