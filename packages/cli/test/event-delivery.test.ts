import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { EventDelivery } from '../src/monitor/event-delivery.js';
import { MemoryEventQueue } from '../src/monitor/memory-event-queue.js';
import type { EventBatch } from '../src/monitor/monitor-event.js';
import type { MonitorNotice } from '../src/monitor/monitor-notice.js';
import { batchOf } from './support/events.js';
import { FakeClock, settle } from './support/fake-clock.js';

const delivered: SendOutcome = { type: 'delivered' };
const down: SendOutcome = { type: 'postponed', reason: 'down', needsHuman: false };
const loggedOut: SendOutcome = { type: 'postponed', reason: 'log in', needsHuman: true };

/** A delivery whose API answers as scripted, the last answer again and again. */
function startDelivery(...script: readonly (SendOutcome | Promise<SendOutcome>)[]) {
  const clock = new FakeClock();
  const sent: EventBatch[] = [];
  const notices: MonitorNotice[] = [];
  const delivery = new EventDelivery({
    queue: new MemoryEventQueue(),
    clock,
    random: () => 1,
    notify: (notice) => notices.push(notice),
    send: (batch) => {
      sent.push(batch);
      return Promise.resolve(script[Math.min(sent.length, script.length) - 1] ?? delivered);
    },
  });
  return { clock, sent, notices, delivery, kinds: () => notices.map(({ type }) => type) };
}

/** An answer that comes when the test says so. */
function answerLater(): {
  readonly answer: Promise<SendOutcome>;
  readonly give: (outcome: SendOutcome) => void;
} {
  let give: (outcome: SendOutcome) => void = () => undefined;
  const answer = new Promise<SendOutcome>((resolve) => {
    give = resolve;
  });
  return { answer, give };
}

describe('delivery', () => {
  test('sends batches in order, one at a time', async () => {
    const first = answerLater();
    const { sent, delivery } = startDelivery(first.answer, delivered);
    const [one, two] = [batchOf('1'), batchOf('2')];
    delivery.deliver(one);
    delivery.deliver(two);
    await settle();
    expect(sent).toEqual([one]);
    first.give(delivered);
    await settle();
    expect(sent).toEqual([one, two]);
  });

  test('sends the same batch again until the API has it, waiting twice as long each time', async () => {
    const { clock, sent, delivery, notices } = startDelivery(down, down, down, delivered);
    const batch = batchOf('1', '2');
    delivery.deliver(batch);
    await clock.advance(60_000);
    expect(sent).toEqual([batch, batch, batch, batch]);
    expect(notices.map((notice) => (notice.type === 'batch.postponed' ? notice.retryInMs : 0))).toEqual([
      500, 1_000, 2_000, 0,
    ]);
  });

  test('never waits longer than 30 s of its own making', async () => {
    const { clock, delivery, notices } = startDelivery(down);
    delivery.deliver(batchOf('1'));
    await clock.advance(600_000);
    const waits = notices.flatMap((notice) => (notice.type === 'batch.postponed' ? [notice.retryInMs] : []));
    expect(Math.max(...waits)).toBe(30_000);
  });

  test('waits as long as the API asks', async () => {
    const { clock, sent, delivery } = startDelivery({ ...down, retryAfterMs: 90_000 }, delivered);
    delivery.deliver(batchOf('1'));
    await clock.advance(89_999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toHaveLength(2);
  });

  test('gives up a batch that the API refuses, and goes on with the next', async () => {
    const { sent, delivery, kinds } = startDelivery({ type: 'refused', reason: 'HTTP 400' }, delivered);
    delivery.deliver(batchOf('1'));
    delivery.deliver(batchOf('2'));
    await settle();
    expect(sent).toHaveLength(2);
    expect(kinds()).toEqual(['batch.refused', 'batch.delivered']);
  });

  test('at the end delivers what is left, without sitting out a wait of its own', async () => {
    const { clock, sent, delivery } = startDelivery(down, down, down, delivered);
    delivery.deliver(batchOf('1'));
    await clock.advance(1_600);
    expect(sent).toHaveLength(3);
    delivery.deliver(batchOf('2'));
    await expect(delivery.finish(3_000)).resolves.toBe(0);
    expect(sent).toHaveLength(5);
  });

  test('at the end tries for as long as it may, then counts what was not delivered', async () => {
    const { clock, sent, delivery } = startDelivery(down);
    delivery.deliver(batchOf('1', '2'));
    delivery.deliver(batchOf('3'));
    await settle();
    const undelivered = delivery.finish(3_000);
    await clock.advance(3_000);
    await expect(undelivered).resolves.toBe(3);
    expect(sent.length).toBeGreaterThan(2);
    await clock.advance(60_000);
    const sentInAll = sent.length;
    await clock.advance(60_000);
    expect(sent).toHaveLength(sentInAll);
  });

  test('at the end does not wait for an answer that does not come', async () => {
    const { clock, delivery } = startDelivery(answerLater().answer);
    delivery.deliver(batchOf('1'));
    await settle();
    const undelivered = delivery.finish(3_000);
    await clock.advance(3_000);
    await expect(undelivered).resolves.toBe(1);
  });

  test('at the end waits neither for a human nor for longer than it may', async () => {
    for (const outcome of [loggedOut, { ...down, retryAfterMs: 60_000 }]) {
      const { delivery, sent } = startDelivery(outcome);
      delivery.deliver(batchOf('1'));
      await expect(delivery.finish(3_000)).resolves.toBe(1);
      expect(sent.length).toBeLessThanOrEqual(2);
    }
  });

  test('with nothing to deliver ends at once', async () => {
    await expect(startDelivery().delivery.finish(3_000)).resolves.toBe(0);
  });
});
