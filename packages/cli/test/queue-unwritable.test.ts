import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { MonitorEvent } from '../src/monitor/monitor-event.js';
import { eventNamed } from './support/events.js';
import { filesIn } from './support/queue.js';
import { DELIVERED, DOWN, ids, once, startProcess } from './support/queue-process.js';

describe('delivery where nothing can be written', () => {
  test('events are delivered from memory, in order', async () => {
    const { add, batches, delivery, passUntil } = await startProcess({
      folder: undefined,
      script: [DOWN, DELIVERED],
    });
    delivery.start();
    add(...ids(0, 25));
    await passUntil(() => once(batches).length === 25);
    expect(once(batches)).toEqual(ids(0, 25));
  });

  test('memory is bounded: the oldest are given up, with their number', async () => {
    const { delivery, notices } = await startProcess({ folder: undefined, script: [DOWN] });
    const event: MonitorEvent = { ...eventNamed('large'), payload: Buffer.alloc(1024 * 1024) };
    for (let n = 0; n < 20; n += 1) delivery.add(event);
    const dropped = notices.reduce((sum, each) => sum + (each.type === 'events.dropped' ? each.count : 0), 0);
    expect(dropped).toBe(5);
  });

  test('it says so once, however often it is tried again', async () => {
    const folder = '/dev/null/queue';
    const { add, notices, pass } = await startProcess({ folder, script: [DOWN] });
    add(...ids(0, 3));
    await pass(6_000);
    expect(notices.filter(({ type }) => type === 'queue.trouble')).toHaveLength(1);
  });

  test('a folder that was removed is made again', async () => {
    const { add, batches, folder = '', passUntil } = await startProcess({ script: [DOWN, DOWN, DELIVERED] });
    add(...ids(0, 10));
    await passUntil(() => filesIn(folder).length > 0);
    rmSync(folder, { recursive: true });
    add(...ids(10, 20));
    await passUntil(() => filesIn(folder).length > 0);
    await passUntil(() => once(batches).length === 20);
  });
});
