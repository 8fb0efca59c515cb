import { describe, expect, test } from 'vitest';
import { MemoryEventQueue } from '../src/monitor/memory-event-queue.js';
import { batchOf } from './support/events.js';

/** Room for about three batches of one event each. */
const maxBytes = 1_600;

describe('the queue in memory', () => {
  test('gives batches in the order they came', async () => {
    const queue = new MemoryEventQueue();
    await queue.add(batchOf('1'));
    await queue.add(batchOf('2', '3'));
    expect(queue.eventCount).toBe(3);
    expect(await queue.first()).toEqual(batchOf('1'));
    await queue.removeFirst();
    expect(await queue.first()).toEqual(batchOf('2', '3'));
    await queue.removeFirst();
    expect(await queue.first()).toBeUndefined();
    expect(queue.eventCount).toBe(0);
  });

  test('when it is full gives up the oldest, and says how many', async () => {
    const queue = new MemoryEventQueue({ maxBytes });
    for (const id of ['1', '2', '3']) expect(await queue.add(batchOf(id))).toBe(0);
    expect(await queue.add(batchOf('4'))).toBe(1);
    expect(await queue.first()).toEqual(batchOf('2'));
    expect(queue.eventCount).toBe(3);
  });

  test('never gives up the batch that is on its way', async () => {
    const queue = new MemoryEventQueue({ maxBytes });
    for (const id of ['1', '2', '3']) await queue.add(batchOf(id));
    expect(await queue.first()).toEqual(batchOf('1'));
    expect(await queue.add(batchOf('4'))).toBe(1);
    expect(await queue.first()).toEqual(batchOf('1'));
    await queue.removeFirst();
    expect(await queue.first()).toEqual(batchOf('3'));
  });

  test('keeps the newest even if it is too large by itself', async () => {
    const queue = new MemoryEventQueue({ maxBytes: 1 });
    await queue.add(batchOf('1'));
    expect(await queue.add(batchOf('2'))).toBe(1);
    expect(await queue.first()).toEqual(batchOf('2'));
  });
});
