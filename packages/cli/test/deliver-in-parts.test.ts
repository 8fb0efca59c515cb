import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import type { EventBatch } from '../src/monitor/monitor-event.js';
import { deliverInParts } from '../src/queue/deliver-in-parts.js';
import { batchOf } from './support/events.js';

/** Delivers to an API that refuses what `isBad`, fails at the request numbered `failsAt`, and remembers what it got. */
async function deliver(batch: EventBatch, isBad: (ids: readonly string[]) => boolean, failsAt = Infinity) {
  const settled: { readonly id: string; readonly how: 'stored' | 'refused' }[] = [];
  let requests = 0;
  const postponed = await deliverInParts(
    batch,
    async ({ events }): Promise<SendOutcome> => {
      requests += 1;
      if (requests === failsAt) return { type: 'postponed', reason: 'down', needsHuman: false };
      const ids = events.map(({ id }) => id);
      return isBad(ids) ? { type: 'refused', reason: 'HTTP 400' } : { type: 'delivered' };
    },
    {
      onDelivered: async ({ events }) => {
        settled.push(...events.map(({ id }) => ({ id, how: 'stored' as const })));
      },
      onRefused: async ({ id }) => {
        settled.push({ id, how: 'refused' });
      },
    },
  );
  return { settled, postponed, requests };
}

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 99 }).map(String), { minLength: 1, maxLength: 12 });

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
