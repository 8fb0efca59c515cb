import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import type { EventBatch } from '../src/monitor/monitor-event.js';
import { PartDelivery, type Attempt } from '../src/queue/deliver-in-parts.js';
import { batchOf } from './support/events.js';

const AT_FIRST: Attempt = { failures: 0, isProbe: false };
const REFUSED: SendOutcome = { type: 'refused', reason: 'HTTP 400' };
const DOWN: SendOutcome = { type: 'postponed', reason: 'down', needsHuman: false };
const BROKEN: SendOutcome = { type: 'postponed', reason: 'HTTP 500', needsHuman: false, status: 500 };

/** Delivers batches, each with an attempt of its own, to an API that answers each request as `answer` says. */
function deliveryTo(answer: (ids: readonly string[], request: number) => SendOutcome) {
  const parts = new PartDelivery();
  const settled: { readonly id: string; readonly how: 'stored' | 'refused' }[] = [];
  const sent: string[] = [];
  return {
    settled,
    sent,
    deliver: (batch: EventBatch, attempt = AT_FIRST) =>
      parts.deliver(
        batch,
        async ({ events }): Promise<SendOutcome> => {
          const ids = events.map(({ id }) => id);
          sent.push(ids.join());
          return answer(ids, sent.length);
        },
        {
          onDelivered: async ({ events }) => {
            settled.push(...events.map(({ id }) => ({ id, how: 'stored' as const })));
          },
          onRefused: async ({ id }) => {
            settled.push({ id, how: 'refused' });
          },
        },
        attempt,
      ),
  };
}

/** Delivers to an API that refuses what `isBad`, fails at the request numbered `failsAt`, and remembers what it got. */
async function deliver(batch: EventBatch, isBad: (ids: readonly string[]) => boolean, failsAt = Infinity) {
  const api = deliveryTo((ids, request) => {
    if (request === failsAt) return DOWN;
    return isBad(ids) ? REFUSED : { type: 'delivered' };
  });
  const postponed = await api.deliver(batch);
  return { settled: api.settled, postponed, requests: api.sent.length };
}

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 99 }).map(String), { minLength: 1, maxLength: 10 });

describe('a batch that the API refuses', () => {
  test('costs exactly the events that are to blame, and all are settled in order', async () => {
    await fc.assert(
      fc.asyncProperty(ids, fc.func(fc.boolean()), async (names, isBad) => {
        const { settled, postponed } = await deliver(batchOf(...names), (sent) =>
          sent.some((id) => isBad(id)),
        );
        expect(postponed).toBeUndefined();
        expect(settled).toEqual(names.map((id) => ({ id, how: isBad(id) ? 'refused' : 'stored' })));
      }),
    );
  });

  test('for its size alone is delivered whole, in parts', async () => {
    const names = Array.from({ length: 10 }, (_, n) => String(n));
    const { settled, requests } = await deliver(batchOf(...names), (sent) => sent.length > 3);
    expect(settled).toEqual(names.map((id) => ({ id, how: 'stored' })));
    expect(requests).toBe(7);
  });

  test('and then fails leaves what was not settled, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        ids,
        fc.func(fc.boolean()),
        fc.integer({ min: 1, max: 9 }),
        async (names, isBad, failsAt) => {
          const run = await deliver(batchOf(...names), (sent) => sent.some((id) => isBad(id)), failsAt);
          expect(run.settled.map(({ id }) => id)).toEqual(names.slice(0, run.settled.length));
          expect(run.settled.length < names.length).toBe(run.postponed !== undefined);
        },
      ),
    );
  });

  test('is found in few requests when one event is bad', async () => {
    const names = Array.from({ length: 10 }, (_, n) => String(n));
    for (const bad of names) {
      const { requests } = await deliver(batchOf(...names), (sent) => sent.includes(bad));
      expect(requests).toBeLessThanOrEqual(9);
    }
  });
});

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => String(from + n));
const refusedIn = (settled: readonly { readonly id: string; readonly how: string }[]) =>
  settled.filter(({ how }) => how === 'refused').map(({ id }) => id);

describe('an API that refuses everything', () => {
  test('costs ten events, and is then tried again later, with few requests', async () => {
    const { deliver: deliverTo, settled, sent } = deliveryTo(() => REFUSED);
    expect(await deliverTo(batchOf(...names(0, 10)))).toBeUndefined();
    for (let failures = 0; failures < 15; failures += 1) {
      const before = sent.length;
      expect(await deliverTo(batchOf(...names(10, 20)), { failures, isProbe: false })).toEqual({
        type: 'postponed',
        reason: 'HTTP 400 to every event: check the endpoint, and what is on the way to it; see km doctor',
        needsHuman: false,
      });
      expect(sent.length - before).toBeLessThanOrEqual(10);
    }
    expect(settled).toEqual(names(0, 10).map((id) => ({ id, how: 'refused' })));
  });

  test('costs one at a process that finds it in trouble', async () => {
    const { deliver: deliverTo, settled } = deliveryTo(() => REFUSED);
    expect(await deliverTo(batchOf(...names(0, 3)), { failures: 1, isProbe: false })).toBeDefined();
    expect(settled).toEqual([{ id: '0', how: 'refused' }]);
  });

  test('and only what comes after it is well costs just those that are to blame', async () => {
    let isWell = false;
    const bad = ['0', '12', '13'];
    const { deliver: deliverTo, settled } = deliveryTo((ids) =>
      isWell && !ids.some((id) => bad.includes(id)) ? { type: 'delivered' } : REFUSED,
    );
    await deliverTo(batchOf(...names(0, 10)));
    await deliverTo(batchOf(...names(10, 20)));
    isWell = true;
    expect(await deliverTo(batchOf(...names(12, 20)), { failures: 1, isProbe: false })).toBeUndefined();
    expect(refusedIn(settled)).toEqual([...names(0, 10), '12', '13']);
    // From then on an event is to blame at once again.
    expect(await deliverTo(batchOf('0'))).toBeUndefined();
    expect(refusedIn(settled).at(-1)).toBe('0');
  });

  test('does not keep for ever what it refuses, where nothing else comes', async () => {
    const { deliver: deliverTo, settled } = deliveryTo(() => REFUSED);
    await deliverTo(batchOf(...names(0, 10)));
    expect(await deliverTo(batchOf('a', 'b'), { failures: 20, isProbe: true })).toBeDefined();
    expect(refusedIn(settled).slice(10)).toEqual(['a']);
  });
});

describe('an event that the API always fails at', () => {
  const probe: Attempt = { failures: 20, isProbe: true };

  test('holds the others up until it has done so for long, and is set aside then', async () => {
    const { deliver: deliverTo, settled } = deliveryTo((ids) =>
      ids.includes('bad') ? BROKEN : { type: 'delivered' },
    );
    const batch = batchOf('a', 'bad', 'b', 'c');
    expect(await deliverTo(batch, { failures: 19, isProbe: false })).toEqual(BROKEN);
    expect(settled).toEqual([]);
    expect(await deliverTo(batch, probe)).toBeUndefined();
    expect(settled.map(({ id }) => id)).toEqual(['a', 'bad', 'b', 'c']);
    expect(refusedIn(settled)).toEqual(['bad']);
  });

  test.each([500, 502, 504])('is told by HTTP %i', async (status) => {
    const failed: SendOutcome = { ...BROKEN, status };
    const { deliver: deliverTo, settled } = deliveryTo((ids) =>
      ids.includes('bad') ? failed : { type: 'delivered' },
    );
    await deliverTo(batchOf('bad', 'a'), probe);
    expect(refusedIn(settled)).toEqual(['bad']);
  });

  test.each<[string, SendOutcome]>([
    ['that is overloaded (503)', { ...BROKEN, status: 503 }],
    ['that nobody reaches', DOWN],
    ['that wants another login', { ...BROKEN, status: 403, needsHuman: true }],
  ])('is none at an API %s: one request, and nothing is settled', async (_, outcome) => {
    const { deliver: deliverTo, settled, sent } = deliveryTo(() => outcome);
    expect(await deliverTo(batchOf('a', 'b', 'c'), probe)).toEqual(outcome);
    expect([settled, sent.length]).toEqual([[], 1]);
  });

  test('is none at an API that is down: nothing is settled, with few requests', async () => {
    const { deliver: deliverTo, settled, sent } = deliveryTo(() => BROKEN);
    expect(await deliverTo(batchOf(...names(0, 10)), probe)).toEqual(BROKEN);
    expect(settled).toEqual([]);
    expect(sent.length).toBeLessThanOrEqual(10);
  });

  test('is none where it goes through the second time: the API comes and goes', async () => {
    const { deliver: deliverTo, settled } = deliveryTo((_, request) =>
      request % 2 === 1 ? BROKEN : { type: 'delivered' },
    );
    await deliverTo(batchOf('a', 'b', 'c'), probe);
    expect(refusedIn(settled)).toEqual([]);
  });

  test('and after it the network fails: what was not settled is left, in order', async () => {
    const { deliver: deliverTo, settled } = deliveryTo((ids) => {
      if (ids.join() === 'b') return DOWN;
      return ids.includes('bad') || ids.length > 1 ? BROKEN : { type: 'delivered' };
    });
    expect(await deliverTo(batchOf('a', 'bad', 'b', 'c'), probe)).toEqual(DOWN);
    expect(settled).toEqual([{ id: 'a', how: 'stored' }]);
  });
});
