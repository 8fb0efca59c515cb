import { describe, expect, test } from 'vitest';
import { EventBatcher } from '../src/monitor/event-batcher.js';
import type { EventBatch } from '../src/monitor/monitor-event.js';
import { eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';

function startBatcher() {
  const clock = new FakeClock();
  const batches: EventBatch[] = [];
  const batcher = new EventBatcher({
    correlationId: 'session',
    cliVersion: '1.2.3',
    clock,
    onBatch: (batch) => batches.push(batch),
  });
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) batcher.add(eventNamed(`event-${n}`));
  };
  const sizes = () => batches.map(({ events }) => events.length);
  return { clock, batches, batcher, add, sizes };
}

describe('a batcher', () => {
  test('closes a batch at ten events', () => {
    const { add, sizes, batches } = startBatcher();
    add(25);
    expect(sizes()).toEqual([10, 10]);
    expect(batches[0]).toMatchObject({ correlationId: 'session', cliVersion: '1.2.3' });
    expect(batches[0]?.events[0]?.id).toBe('event-0');
  });

  test('closes a batch two seconds after its first event', async () => {
    const { clock, add, sizes, batches } = startBatcher();
    add(1);
    await clock.advance(1_500);
    add(2);
    expect(sizes()).toEqual([]);
    await clock.advance(500);
    expect(sizes()).toEqual([3]);
    expect(batches[0]?.batchTimestamp).toBe(new Date(1_700_000_002_000).toISOString());
  });

  test('counts the two seconds anew for each batch', async () => {
    const { clock, add, sizes } = startBatcher();
    await clock.advance(1_900);
    add(10);
    await clock.advance(1_900);
    add(1);
    await clock.advance(1_900);
    expect(sizes()).toEqual([10]);
    await clock.advance(100);
    expect(sizes()).toEqual([10, 1]);
  });

  test('closes a batch before it grows over a mebibyte', () => {
    const { batcher, sizes } = startBatcher();
    const large = 'A'.repeat(700_000);
    batcher.add(eventNamed('one', large));
    batcher.add(eventNamed('two', large));
    expect(sizes()).toEqual([1]);
  });

  test('closes what there is on request, and nothing where there is nothing', () => {
    const { batcher, add, sizes } = startBatcher();
    batcher.flush();
    add(3);
    batcher.flush();
    batcher.flush();
    expect(sizes()).toEqual([3]);
  });
});
