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
    expect(await another.waitMs()).toEqual({ ms: 1_000, isOrdered: false });
    await clock.advance(400);
    expect(await another.waitMs()).toEqual({ ms: 600, isOrdered: false });
    expect(await another.lastFailure()).toMatchObject({ failures: 2, reason: 'down' });
    await another.clear();
    expect(await open().waitMs()).toEqual({ ms: 0, isOrdered: false });
    expect(await open().fail('down', undefined)).toBe(500);
  });

  test('is when the API asked for, and an hour later at most', async () => {
    expect(await open().fail('busy', 90_000)).toBe(90_000);
    expect(await open().waitMs()).toEqual({ ms: 90_000, isOrdered: true });
    expect(await open().fail('busy', 86_400_000)).toBe(3_600_000);
  });

  test('is no sooner than without what the API asked for, however often it asks for no wait', async () => {
    const waits: number[] = [];
    for (let tries = 0; tries < 3; tries += 1) waits.push(await open().fail('busy', 0));
    expect(waits).toEqual([500, 1_000, 2_000]);
    expect(await open().waitMs()).toEqual({ ms: 2_000, isOrdered: false });
    expect(await open().fail('busy', 1_000)).toBe(4_000);
    expect(await open().fail('busy', 9_000)).toBe(9_000);
  });

  test('is at once where the clock was set back, and not in a year where it was set forward', async () => {
    await open().fail('down', undefined);
    const [nowMs, before] = [clock.nowMs(), clock.nowMs() - 3_600_000];
    clock.nowMs = () => before;
    expect(await open().waitMs()).toEqual({ ms: 0, isOrdered: false });
    clock.nowMs = () => nowMs;
    const text = { failures: 1, reason: 'x', atMs: nowMs, untilMs: nowMs + 1e12, isOrdered: false };
    writeFileSync(join(folder, 'next-try.json'), JSON.stringify(text));
    expect(await open().waitMs()).toEqual({ ms: 30_000, isOrdered: false });
  });

  test.each(['', 'null', '{', '{"failures":"many"}', '[]', '7'])('is at once after %j', async (text) => {
    writeFileSync(join(folder, 'next-try.json'), text);
    expect(await open().waitMs()).toEqual({ ms: 0, isOrdered: false });
  });

  test.each([undefined, '/dev/null/nowhere'])(
    'is remembered by a process that can write nothing',
    async (place) => {
      const schedule = open(place);
      await schedule.fail('down', undefined);
      expect(await schedule.fail('down', undefined)).toBe(1_000);
      expect(await schedule.waitMs()).toEqual({ ms: 1_000, isOrdered: false });
      await schedule.clear();
      expect(await schedule.waitMs()).toEqual({ ms: 0, isOrdered: false });
    },
  );
});
