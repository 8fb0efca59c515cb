import { expect, test } from 'vitest';
import { clearQueue } from '../src/queue/clear-queue.js';
import { DeliverySchedule } from '../src/queue/delivery-schedule.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';

/** A folder with an event that the API did not take, and wanted to be left alone for so long. */
async function startRefused(retryAfterMs: number | undefined) {
  const context = { keys: newKeys(), clock: new FakeClock(), random: () => 1 };
  const folder = accountFolder();
  await (await beginSegment(folder, context.keys, [eventAt('first', 1)])).close();
  await new DeliverySchedule({ folder, ...context }).fail('busy', retryAfterMs);
  return { folder, context, waitMs: () => new DeliverySchedule({ folder, ...context }).waitMs() };
}

test('clear gives up the events, and not the time for which the API wants to be left alone', async () => {
  const { folder, context, waitMs } = await startRefused(600_000);
  expect(await clearQueue([folder], context)).toMatchObject({ events: 1 });
  expect(await waitMs()).toEqual({ ms: 600_000, orderedMs: 600_000 });
  expect(filesIn(folder)).toEqual(['next-try.json']);
});

test('a failure after which nobody wants to be left alone is forgotten with the events', async () => {
  const { folder, context, waitMs } = await startRefused(undefined);
  await clearQueue([folder], context);
  expect(await waitMs()).toEqual({ ms: 0, orderedMs: 0 });
  expect(filesIn(folder)).toEqual([]);
});
