import { describe, expect, test } from 'vitest';
import type { MonitorEvent } from '../src/monitor/monitor-event.js';
import { BatchInHand } from '../src/queue/batch-in-hand.js';
import { eventNamed } from './support/events.js';

/** Takes as many events as there is room for, the API answers, and what it has is settled; with how many that were. */
function send(
  hand: BatchInHand,
  outcome: Parameters<BatchInHand['noteSent']>[1],
  { there = Infinity, event = eventNamed('event') }: { there?: number; event?: MonitorEvent } = {},
): number {
  while (!hand.isFull && hand.size < there) {
    hand.addWaiting({ event, addedAtMs: 0, state: 'taken', written: undefined });
  }
  const { size } = hand;
  hand.noteSent(size, outcome);
  hand.settle(size);
  return size;
}

const times = (count: number, take: () => number) => Array.from({ length: count }, take);

describe('a batch', () => {
  test('has ten events, and after five full ones more and more, up to a thousand', () => {
    const hand = new BatchInHand();
    const sizes = times(15, () => send(hand, 'delivered'));
    expect(sizes).toEqual([10, 10, 10, 10, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]);
  });

  test.each([
    ['there were fewer events than it takes', { there: 300 }, 'delivered'],
    ['one was not delivered', {}, 'postponed'],
  ] as const)('has ten again once %s', (_, options, outcome) => {
    const hand = new BatchInHand();
    times(11, () => send(hand, 'delivered'));
    send(hand, outcome, options);
    expect(send(hand, 'delivered')).toBe(10);
  });

  test('never has as many again as the API refused, and ten however often it refuses', () => {
    const hand = new BatchInHand();
    times(10, () => send(hand, 'delivered'));
    expect(send(hand, 'refused')).toBe(640);
    expect(Math.max(...times(20, () => send(hand, 'delivered')))).toBe(320);
    times(20, () => send(hand, 'refused'));
    expect(times(20, () => send(hand, 'delivered'))).toEqual(Array.from({ length: 20 }, () => 10));
  });

  test('is full at a megabyte, and as good as one that is full of events', () => {
    const hand = new BatchInHand();
    const event = eventNamed('event', 'x'.repeat(10_000));
    const sizes = times(10, () => send(hand, 'delivered', { event }));
    expect(sizes.at(-1)).toBe(100);
    expect(send(hand, 'delivered')).toBeGreaterThan(100);
  });
});
