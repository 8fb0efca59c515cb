import { randomBytes } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { Backlog } from '../src/queue/backlog.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { encodeEvent } from '../src/queue/event-record.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { deliverBacklog } from './support/deliver-backlog.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';

const EVENTS = Array.from({ length: 3 }, (_, n) => eventAt(`event-${n}`, 1_000 + n));
const IDS = EVENTS.map(({ id }) => id);

let folder: string;
let keys: SegmentKeys;

beforeEach(() => {
  folder = accountFolder();
  keys = newKeys();
});

/** Delivers what is in the folder, an hour later. */
const deliverAll = () => deliverBacklog({ folder, keys, onTrouble: () => undefined });

describe('the backlog', () => {
  test('is delivered in order of time across segments, each in its own order', async () => {
    const [a, b, c] = [
      [eventAt('1', 10, 'a'), eventAt('4', 40, 'a'), eventAt('6', 60, 'a')],
      [eventAt('2', 20, 'b'), eventAt('3', 30, 'b'), eventAt('7', 70, 'b')],
      // A clock that was set back: after what came before it all the same.
      [eventAt('5', 50, 'c'), eventAt('5b', 5, 'c')],
    ];
    for (const events of [c, a, b]) await (await beginSegment(folder, keys, events)).close();
    expect(await deliverAll()).toEqual(['1', '2', '3', '4', '5', '5b', '6', '7']);
  });

  test('of one session is delivered as it was written, though its clock was set back between two segments', async () => {
    const segments = [
      [eventAt('1', 3_600_000), eventAt('2', 3_600_001)],
      [eventAt('3', 600_000), eventAt('4', 600_001)],
      [eventAt('between', 900_000, 'another')],
    ];
    for (const events of segments) await (await beginSegment(folder, keys, events)).close();
    expect(await deliverAll()).toEqual(['between', '1', '2', '3', '4']);
  });

  test('goes on where it was, for whoever delivers next', async () => {
    await (await beginSegment(folder, keys, EVENTS)).close();
    const first = new Backlog({ folder, keys, clock: systemClock, onTrouble: () => undefined });
    await first.refresh();
    const taken = [await first.take(), await first.take(), await first.take()];
    await first.advance(new Map([[taken[1]!.segment, taken[1]!.end]]));
    await first.close();
    expect(await countWaiting(folder)).toBe(1);
    expect(await deliverAll()).toEqual(IDS.slice(2));
  });

  test('begins anew where the position is garbage: the API knows the events', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    await writer.close();
    writeFileSync(join(folder, `${writer.file.name}.position`), randomBytes(28));
    expect(await deliverAll()).toEqual(IDS);
  });

  test('never steps over what was not handed out, whatever was delivered from memory after it', async () => {
    const writer = await beginSegment(folder, keys);
    const ends = await writer.append(EVENTS.map(encodeEvent));
    await writer.close();
    const written = ends.map((end) => ({ segment: writer.file.name, end }));
    const backlog = new Backlog({ folder, keys, clock: systemClock, onTrouble: () => undefined });
    await backlog.refresh();
    backlog.skip(written.slice(2));
    await backlog.noteDelivered(written.slice(2));
    expect((await backlog.take())?.event.id).toBe('event-0');
    // The one after it is delivered from memory, and so is the last: it is sent again.
    backlog.skip(written.slice(1, 2));
    await backlog.noteDelivered(written.slice(1));
    expect(await countWaiting(folder)).toBe(3);
    await backlog.advance(new Map([[writer.file.name, ends[0]!]]));
    await backlog.noteDelivered(written.slice(1));
    expect(await countWaiting(folder)).toBe(0);
    await backlog.close();
  });

  test('with more segments than are read side by side is delivered whole', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    await writer.close();
    const path = segmentPath({ ...writer.file, state: 'closed' });
    for (let n = 0; n < 80; n += 1) {
      copyFileSync(path, join(folder, `${String(n).padStart(15, '0')}-000000000000.closed`));
    }
    const backlog = new Backlog({ folder, keys, clock: systemClock, onTrouble: () => undefined });
    let count = 0;
    for (let looks = 0; looks < 20; looks += 1) {
      await backlog.refresh();
      for (let taken = await backlog.take(); taken !== undefined; taken = await backlog.take()) {
        count += 1;
        await backlog.advance(new Map([[taken.segment, taken.end]]));
      }
    }
    await backlog.close();
    expect(count).toBe(81 * EVENTS.length);
    expect(filesIn(folder)).toEqual([]);
  });
});
