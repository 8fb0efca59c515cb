import { readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock, type Clock } from '@kilometers/auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { writePosition } from '../src/queue/delivered-position.js';
import { queueLimitsFrom } from '../src/queue/queue-limits.js';
import { QueueRoom } from '../src/queue/queue-room.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';

const DAY_MS = 24 * 3_600_000;
let folder: string;
let segment: Buffer;

const nameAt = (n: number, state = 'closed') => `${String(n).padStart(15, '0')}-000000000000.${state}`;

/** Puts copies of a segment with three events into the folder, named in order. */
function put(count: number, state?: string): void {
  for (let n = 0; n < count; n += 1) writeFileSync(join(folder, nameAt(n, state)), segment, { mode: 0o600 });
}

function room(maxBytes: number, maxAgeMs = 30 * DAY_MS, clock: Clock = systemClock): QueueRoom {
  return new QueueRoom(dirname(folder), { maxBytes, maxAgeMs }, clock);
}

const givenUp = (of: QueueRoom, bytes = 0) => of.tidy(bytes);

beforeEach(async () => {
  folder = accountFolder();
  const writer = await beginSegment(
    folder,
    newKeys(),
    ['1', '2', '3'].map((id) => eventAt(id, 0)),
  );
  await writer.close();
  const path = segmentPath({ ...writer.file, state: 'closed' });
  segment = readFileSync(path);
  unlinkSync(path);
});

describe('the room of the queue', () => {
  test('is made by giving up the oldest segments, and says how many events that cost', async () => {
    put(10);
    expect(await givenUp(room(segment.length * 11))).toEqual([]);
    expect(await givenUp(room(segment.length * 11), segment.length * 2.5)).toEqual([
      { events: 9, why: 'size' },
    ]);
    expect(filesIn(folder)).toEqual([3, 4, 5, 6, 7, 8, 9].map((n) => nameAt(n)));
  });

  test('counts only what was not delivered', async () => {
    put(2);
    // Of the events, which are a group, one is delivered.
    const offset = 32 + 8 + segment.readUInt32BE(32);
    const end = { offset, number: 2, within: 1 };
    await writePosition({ folder, name: nameAt(0).replace('.closed', '') }, { end, isDamaged: false });
    expect(await countWaiting(folder)).toBe(5);
    expect(await givenUp(room(segment.length * 1.5))).toEqual([{ events: 2, why: 'size' }]);
    expect(filesIn(folder)).toEqual([nameAt(1)]);
  });

  test('is made by giving up what is too old', async () => {
    put(3);
    const longAgo = new Date(Date.now() - 31 * DAY_MS);
    for (const n of [0, 1]) utimesSync(join(folder, nameAt(n)), longAgo, longAgo);
    expect(await givenUp(room(2 ** 30))).toEqual([{ events: 6, why: 'age' }]);
    expect(filesIn(folder)).toEqual([nameAt(2)]);
  });

  test('is made of what was written by a clock that was years ahead, 30 days after it was put right', async () => {
    put(1);
    const ahead = new Date(Date.now() + 3_650 * DAY_MS);
    utimesSync(join(folder, nameAt(0)), ahead, ahead);
    expect(await givenUp(room(2 ** 30))).toEqual([]);
    expect(Math.abs(statSync(join(folder, nameAt(0))).mtimeMs - Date.now())).toBeLessThan(DAY_MS);
    const later = { ...systemClock, nowMs: () => Date.now() + 31 * DAY_MS };
    expect(await givenUp(room(2 ** 30, 30 * DAY_MS, later))).toEqual([{ events: 3, why: 'age' }]);
  });

  test('is not made of what a clock that was behind dated back: that is as old as its name says', async () => {
    const name = `${String(Date.now() - DAY_MS).padStart(15, '0')}-000000000000.closed`;
    writeFileSync(join(folder, name), segment, { mode: 0o600 });
    utimesSync(join(folder, name), 60, 60);
    for (let looks = 0; looks < 2; looks += 1) expect(await givenUp(room(2 ** 30))).toEqual([]);
    const in28Days = { ...systemClock, nowMs: () => Date.now() + 28 * DAY_MS };
    expect(await givenUp(room(2 ** 30, 30 * DAY_MS, in28Days))).toEqual([]);
  });

  test('is not made of what was written before the clock was put right: that has a day to be delivered', async () => {
    put(3);
    for (const n of [0, 1, 2]) utimesSync(join(folder, nameAt(n)), 60, 60);
    const of = (days: number) =>
      new QueueRoom(
        dirname(folder),
        { maxBytes: 2 ** 30, maxAgeMs: 30 * DAY_MS },
        { ...systemClock, nowMs: () => Date.now() + days * DAY_MS },
      );
    for (const days of [0, 0, 0.9]) expect(await givenUp(of(days))).toEqual([]);
    expect(filesIn(folder).filter((name) => name.endsWith('.closed'))).toHaveLength(3);
    expect(await givenUp(of(1.1))).toEqual([{ events: 9, why: 'age' }]);
  });

  test.each([
    { what: 'that may be a minute old', maxAgeMs: 60_000, aheadMs: 0, everyMs: 30_000 },
    { what: 'that may be an hour old', maxAgeMs: 3_600_000, aheadMs: 0, everyMs: 300_000 },
    { what: 'whose name is of next year', maxAgeMs: 30 * DAY_MS, aheadMs: 365 * DAY_MS, everyMs: DAY_MS / 4 },
  ])('has that time once to be delivered, of what $what', async ({ maxAgeMs, aheadMs, everyMs }) => {
    const startMs = Date.now();
    writeFileSync(join(folder, nameAt(startMs + aheadMs)), segment);
    let passedMs = 0;
    const at = () => room(2 ** 30, maxAgeMs, { ...systemClock, nowMs: () => startMs + passedMs });
    for (; filesIn(folder).length > 0 && passedMs < 50 * DAY_MS; passedMs += everyMs) await givenUp(at());
    expect(passedMs).toBeGreaterThan(maxAgeMs);
    expect(passedMs).toBeLessThanOrEqual(maxAgeMs + Math.min(maxAgeMs, DAY_MS) + 4 * everyMs);
  });

  test('is not made of what others gave that time to meanwhile', async () => {
    put(20);
    for (let n = 0; n < 20; n += 1) utimesSync(join(folder, nameAt(n)), 60, 60);
    expect((await Promise.all(Array.from({ length: 10 }, () => givenUp(room(2 ** 30))))).flat()).toEqual([]);
    expect(filesIn(folder).filter((name) => name.endsWith('.closed'))).toHaveLength(20);
  });

  test('loses no note of what is there, and keeps none of what is gone', async () => {
    const there = ['open', 'closed', 'prelude'];
    for (const [n, state] of [...there, 'closed.corrupt'].entries()) {
      writeFileSync(join(folder, nameAt(n, state)), segment);
    }
    const notes = ['position', 'made', 'grace'];
    for (const note of notes) put(5, note);
    const notesIn = () => filesIn(folder).filter((name) => notes.some((note) => name.endsWith(note)));
    // What they tell of may be on its way from another folder.
    await givenUp(room(2 ** 30));
    expect(notesIn()).toHaveLength(15);
    await givenUp(room(2 ** 30, 30 * DAY_MS, { ...systemClock, nowMs: () => Date.now() + 61_000 }));
    expect(notesIn()).toEqual(
      there.flatMap((_, n) => ['grace', 'made', 'position'].map((note) => nameAt(n, note))),
    );
  });

  test('leaves an eighth at most to what was set aside, and says how many refused events that cost', async () => {
    put(1);
    put(20, 'refused');
    put(20, 'closed.corrupt');
    expect(await givenUp(room(segment.length * 64))).toEqual([{ events: 16 * 3, why: 'aside' }]);
    const left = filesIn(folder);
    expect(left).toContain(nameAt(0));
    expect(left.reduce((bytes, name) => bytes + statSync(join(folder, name)).size, 0)).toBe(
      segment.length * 9,
    );
  });

  test('is not taken by what a killed process had begun to give up: that goes, and is counted, once', async () => {
    put(2);
    put(2, 'closed.given-up');
    put(1, 'prelude.given-up');
    const maxBytes = segment.length * 3;
    // Whoever is at it may still be there.
    expect(await givenUp(room(maxBytes))).toEqual([]);
    expect(filesIn(folder)).toHaveLength(5);
    const later = { ...systemClock, nowMs: () => Date.now() + 120_000 };
    const lost = await Promise.all([1, 2].map(() => givenUp(room(maxBytes, 30 * DAY_MS, later))));
    expect(lost.flat().reduce((sum, { events }) => sum + events, 0)).toBe(9);
    expect(filesIn(folder)).toEqual([nameAt(0), nameAt(1)]);
  });

  test('is made once by many at the same time', async () => {
    put(20);
    const lost = await Promise.all(Array.from({ length: 5 }, () => givenUp(room(segment.length * 11))));
    const events = lost.flat().reduce((sum, each) => sum + each.events, 0);
    expect(events).toBe((20 - filesIn(folder).length) * 3);
    expect(filesIn(folder).length).toBeLessThanOrEqual(10);
  });
});

describe('the limits', () => {
  test.each([
    [{}, 268_435_456, 30 * DAY_MS],
    [{ KM_QUEUE_MAX_BYTES: '', KM_QUEUE_MAX_AGE: '' }, 268_435_456, 30 * DAY_MS],
    [{ KM_QUEUE_MAX_BYTES: '1048576', KM_QUEUE_MAX_AGE: '90m' }, 1_048_576, 5_400_000],
    [{ KM_QUEUE_MAX_BYTES: '2GiB', KM_QUEUE_MAX_AGE: '365d' }, 2_147_483_648, 365 * DAY_MS],
    [{ KM_QUEUE_MAX_BYTES: '256m' }, 268_435_456, 30 * DAY_MS],
    [{ KM_QUEUE_MAX_BYTES: '0' }, 0, 30 * DAY_MS],
  ])('of %o', (environment, maxBytes, maxAgeMs) => {
    expect(queueLimitsFrom(environment)).toEqual({ maxBytes, maxAgeMs });
  });

  test.each([
    { KM_QUEUE_MAX_BYTES: '1' },
    { KM_QUEUE_MAX_BYTES: '256TB' },
    { KM_QUEUE_MAX_BYTES: '-1' },
    { KM_QUEUE_MAX_BYTES: '1025GiB' },
    { KM_QUEUE_MAX_AGE: '1s' },
    { KM_QUEUE_MAX_AGE: 'long' },
    { KM_QUEUE_MAX_AGE: '366d' },
  ])('refuse %o, and say what is allowed', (environment) => {
    expect(() => queueLimitsFrom(environment)).toThrow(
      /^KM_QUEUE_MAX_(BYTES|AGE) is ".*": give a .* such as /,
    );
  });
});
