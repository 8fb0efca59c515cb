import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { DeliverySchedule } from '../src/queue/delivery-schedule.js';
import { temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';

let folder: string;
let clock: FakeClock;
const open = (place: string | undefined = folder) =>
  new DeliverySchedule({ folder: place, clock, random: () => 1 });

beforeEach(() => {
  folder = temporaryFolder();
  clock = new FakeClock();
});

describe('when the API is tried again', () => {
  test('after twice as long each time, and never more than 30 s later', async () => {
    const waits: number[] = [];
    for (let tries = 0; tries < 9; tries += 1) waits.push(await open().fail('down', undefined));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('is the same for every process', async () => {
    await open().fail('down', undefined);
    await open().fail('down', undefined);
    const another = open();
    expect(await another.waitMs()).toEqual({ ms: 1_000, orderedMs: 0 });
    await clock.advance(400);
    expect(await another.waitMs()).toEqual({ ms: 600, orderedMs: 0 });
    expect(await another.lastFailure()).toMatchObject({ failures: 2, reason: 'down' });
    await another.clear();
    expect(await open().waitMs()).toEqual({ ms: 0, orderedMs: 0 });
    expect(await open().fail('down', undefined)).toBe(500);
  });

  test('is when the API asked for, and an hour later at most', async () => {
    expect(await open().fail('busy', 90_000)).toBe(90_000);
    expect(await open().waitMs()).toEqual({ ms: 90_000, orderedMs: 90_000 });
    expect(await open().fail('busy', 86_400_000)).toBe(3_600_000);
  });

  test('is no sooner than without what the API asked for, however often it asks for no wait', async () => {
    const waits: number[] = [];
    for (let tries = 0; tries < 3; tries += 1) waits.push(await open().fail('busy', 0));
    expect(waits).toEqual([500, 1_000, 2_000]);
    expect(await open().waitMs()).toEqual({ ms: 2_000, orderedMs: 0 });
    expect(await open().fail('busy', 1_000)).toBe(4_000);
    expect(await open().fail('busy', 9_000)).toBe(9_000);
  });

  test('is not before what the API asked for is over, though the wait of our own is longer', async () => {
    for (let tries = 0; tries < 6; tries += 1) await open().fail('down', undefined);
    expect(await open().fail('busy', 20_000)).toBe(30_000);
    expect(await open().waitMs()).toEqual({ ms: 30_000, orderedMs: 20_000 });
    await clock.advance(21_000);
    expect(await open().waitMs()).toEqual({ ms: 9_000, orderedMs: 0 });
  });

  test('is told as well by a file of an earlier version', async () => {
    const nowMs = clock.nowMs();
    const text = { failures: 1, reason: 'x', atMs: nowMs, untilMs: nowMs + 90_000, isOrdered: true };
    writeFileSync(join(folder, 'next-try.json'), JSON.stringify(text));
    expect(await open().waitMs()).toEqual({ ms: 90_000, orderedMs: 90_000 });
  });

  test('is at once where the clock was set back, and not in a year where it was set forward', async () => {
    await open().fail('down', undefined);
    const [nowMs, before] = [clock.nowMs(), clock.nowMs() - 3_600_000];
    clock.nowMs = () => before;
    expect(await open().waitMs()).toEqual({ ms: 0, orderedMs: 0 });
    clock.nowMs = () => nowMs;
    const text = { failures: 1, reason: 'x', atMs: nowMs, untilMs: nowMs + 1e12, isOrdered: false };
    writeFileSync(join(folder, 'next-try.json'), JSON.stringify(text));
    expect(await open().waitMs()).toEqual({ ms: 30_000, orderedMs: 0 });
  });

  test.each(['', 'null', '{', '{"failures":"many"}', '[]', '7'])('is at once after %j', async (text) => {
    writeFileSync(join(folder, 'next-try.json'), text);
    expect(await open().waitMs()).toEqual({ ms: 0, orderedMs: 0 });
  });

  test.each([undefined, '/dev/null/nowhere'])(
    'is remembered by a process that can write nothing',
    async (place) => {
      const schedule = open(place);
      await schedule.fail('down', undefined);
      expect(await schedule.fail('down', undefined)).toBe(1_000);
      expect(await schedule.waitMs()).toEqual({ ms: 1_000, orderedMs: 0 });
      await schedule.clear();
      expect(await schedule.waitMs()).toEqual({ ms: 0, orderedMs: 0 });
    },
  );
});
