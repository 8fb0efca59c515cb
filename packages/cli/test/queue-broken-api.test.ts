import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { DELIVERED, ids, startProcess } from './support/queue-process.js';

const REFUSED: SendOutcome = { type: 'refused', reason: 'HTTP 400' };
const BROKEN: SendOutcome = { type: 'postponed', reason: 'HTTP 500', needsHuman: false, status: 500 };
const NO_WAIT: SendOutcome = { type: 'postponed', reason: 'busy', retryAfterMs: 0, needsHuman: false };

describe('delivery to an API in trouble', () => {
  test('loses few events to an API that refuses everything for a while, and asks it seldom', async () => {
    const api = { isWell: false };
    const answer = () => (api.isWell ? DELIVERED : REFUSED);
    const { add, batches, notices, pass, passUntil } = await startProcess({ answer });
    const settled = (type: 'batch.delivered' | 'batch.refused') =>
      notices.flatMap((each) => (each.type === type ? each.batch.events.map(({ id }) => id) : []));
    add(...ids(0, 100));
    await passUntil(() => notices.some(({ type }) => type === 'batch.postponed'));
    await pass(20_000);
    expect(batches.length).toBeLessThan(120);
    api.isWell = true;
    await passUntil(() => settled('batch.delivered').length >= 85);
    expect(settled('batch.refused')).toEqual(ids(0, settled('batch.refused').length));
    expect(settled('batch.refused').length).toBeLessThanOrEqual(11);
    await passUntil(() => settled('batch.delivered').length + settled('batch.refused').length === 100);
    expect(settled('batch.delivered')).toEqual(ids(settled('batch.refused').length, 100));
  });

  test('sets an event aside at which the API fails every time, when it has done so for long', async () => {
    const answer = (sent: readonly string[]) => (sent.includes('event-3') ? BROKEN : DELIVERED);
    const { add, notices, clock, passUntil, queue } = await startProcess({ answer });
    const stored = () =>
      notices.flatMap((each) =>
        each.type === 'batch.delivered' ? each.batch.events.map(({ id }) => id) : [],
      );
    add(...ids(0, 98));
    while (queue.schedule.failures < 20) {
      await clock.advance(1_000);
      await passUntil(() => true);
    }
    expect(stored()).toEqual([]);
    await clock.advance(30_000);
    await passUntil(() => stored().length === 97);
    expect(stored()).toEqual(ids(0, 98).filter((id) => id !== 'event-3'));
    expect(notices.filter(({ type }) => type === 'batch.refused')).toMatchObject([
      { batch: { events: [{ id: 'event-3' }] }, reason: 'HTTP 500' },
    ]);
  });

  test('loses no event to an API that is down for long', async () => {
    const api = { isWell: false };
    const { add, batches, notices, clock, passUntil, queue } = await startProcess({
      answer: () => (api.isWell ? DELIVERED : BROKEN),
    });
    add(...ids(0, 40));
    // Two probes, and what is between them.
    while (queue.schedule.failures < 42) {
      await clock.advance(1_000);
      await passUntil(() => true);
    }
    expect(batches.length).toBeLessThan(70);
    api.isWell = true;
    await passUntil(() => notices.some(({ type }) => type === 'batch.delivered'));
    expect(notices.filter(({ type }) => type === 'batch.refused')).toEqual([]);
  });

  test('waits as long where the API says that it need not be waited for', async () => {
    const { add, batches, passUntil } = await startProcess({
      script: [NO_WAIT, NO_WAIT, NO_WAIT, DELIVERED],
    });
    add(...ids(0, 10));
    const ms = await passUntil(() => batches.length === 4);
    expect(ms).toBeGreaterThan(3_000);
  });
});
