import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { systemClock, type Clock } from '@kilometers/auth';
import { beforeEach, describe, expect, test } from 'vitest';
import { Backlog } from '../src/queue/backlog.js';
import { decodeEvent, encodeEvent } from '../src/queue/event-record.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { SegmentReader } from '../src/queue/segment-reader.js';
import { deliverBacklog } from './support/deliver-backlog.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';

let folder: string;
let keys: SegmentKeys;
let troubles: string[];

beforeEach(() => {
  folder = accountFolder();
  keys = newKeys();
  troubles = [];
});

/** Delivers what is in the folder; by default an hour later. */
const deliverAll = (clock?: Clock) =>
  deliverBacklog({ folder, keys, onTrouble: (message) => troubles.push(message) }, clock);

/** A segment of two groups: two events that were appended together, and one. */
async function closedSegment(): Promise<{ readonly path: string; readonly whole: Buffer }> {
  const writer = await beginSegment(folder, keys, EVENTS.slice(0, 2));
  await writer.append(EVENTS.slice(2).map(encodeEvent));
  await writer.close();
  const path = segmentPath({ ...writer.file, state: 'closed' });
  return { path, whole: readFileSync(path) };
}

/** What can be read of a segment with these bytes, and whether nothing shows that something is wrong with it. */
async function readAll(path: string, bytes: Buffer = readFileSync(path)) {
  writeFileSync(path, bytes);
  const reader = await SegmentReader.open(path, 'queue of events', keys);
  if (!(reader instanceof SegmentReader)) return { ids: [], isWhole: bytes.length === 0 };
  const ids: string[] = [];
  for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
    const event = decodeEvent(record);
    if (event !== undefined) ids.push(event.id);
  }
  const isWhole = reader.damage === undefined && (await reader.trailingBytes()) === 0;
  await reader.close();
  return { ids, isWhole };
}

const EVENTS = Array.from({ length: 3 }, (_, n) => eventAt(`event-${n}`, 1_000 + n));
const IDS = EVENTS.map(({ id }) => id);

describe('a segment', () => {
  test('shows nothing of what is in it, and to no other user', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    await writer.close();
    const path = segmentPath({ ...writer.file, state: 'closed' });
    expect(readFileSync(path, 'latin1')).not.toMatch(/event-|ping|default|session/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('is read while it is written, and removed when all of it is delivered and its process has closed it', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    expect(await deliverAll(systemClock)).toEqual(IDS);
    await writer.close();
    expect(await deliverAll()).toEqual([]);
    expect(filesIn(folder)).toEqual([]);
    expect(troubles).toEqual([]);
  });

  test('of a process that was killed is delivered, and removed', async () => {
    await beginSegment(folder, keys, EVENTS);
    expect(await deliverAll()).toEqual(IDS);
    expect(filesIn(folder)).toEqual([]);
  });

  test('that was taken from under a living process tells it so', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    expect(await writer.isInPlace()).toBe(true);
    await deliverAll();
    expect(await writer.isInPlace()).toBe(false);
  });

  test('cut off at any byte gives all groups before the cut, and no other', async () => {
    const { path, whole } = await closedSegment();
    const counts: number[] = [];
    for (let cut = 0; cut < whole.length; cut += 1) {
      const { ids, isWhole } = await readAll(path, whole.subarray(0, cut));
      expect(ids).toEqual(IDS.slice(0, ids.length));
      // Cut between two groups it is as if the rest was never written.
      if (isWhole) counts.push(ids.length);
      else expect(ids.length).toBeLessThan(IDS.length);
    }
    // Without a byte, with the header, with what it is for, and after the first group.
    expect(counts).toEqual([0, 0, 0, 2]);
  });

  test('with any byte changed gives all groups but one, or those before it, and shows that it was', async () => {
    const { path, whole } = await closedSegment();
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ (1 + (at % 255));
      const { ids, isWhole } = await readAll(path, changed);
      expect(isWhole, `byte ${at}`).toBe(false);
      expect([[], IDS.slice(0, 2), IDS.slice(2), IDS], `byte ${at}`).toContainEqual(ids);
    }
  });

  test('full of random bytes, from anywhere on, gives what was before them', async () => {
    const { path, whole } = await closedSegment();
    for (let at = 0; at < whole.length; at += 11) {
      const { ids } = await readAll(path, Buffer.concat([whole.subarray(0, at), randomBytes(500)]));
      expect(ids).toEqual(IDS.slice(0, ids.length));
    }
  });

  test.each([
    ['cut off', (whole: Buffer) => whole.subarray(0, -1), IDS.slice(0, 2)],
    ['cut off at its beginning', (whole: Buffer) => whole.subarray(0, 20), []],
    ['changed', (whole: Buffer) => whole.fill((whole[60] ?? 0) ^ 1, 60, 61), IDS],
    ['garbage', () => randomBytes(1_000), []],
  ])('that is %s is set aside and told once, and what opens of it is delivered', async (_, damage, ids) => {
    const { path, whole } = await closedSegment();
    writeFileSync(path, damage(Buffer.from(whole)));
    expect(await deliverAll()).toEqual(ids);
    expect(troubles).toEqual([expect.stringContaining(`${path}.corrupt`)]);
    expect(filesIn(folder)).toEqual([`${basename(path)}.corrupt`]);
    expect(await deliverAll()).toEqual([]);
    expect(troubles).toHaveLength(1);
  });

  test('that is empty was begun by a process that was killed: it is removed without a word', async () => {
    const { path } = await closedSegment();
    writeFileSync(path, '');
    expect(await deliverAll()).toEqual([]);
    expect([troubles, filesIn(folder)]).toEqual([[], []]);
  });

  test('full of garbage keeps nothing else from being delivered', async () => {
    const writer = await beginSegment(folder, keys, EVENTS);
    await writer.close();
    const whole = readFileSync(segmentPath({ ...writer.file, state: 'closed' }));
    for (let n = 0; n < 40; n += 1) {
      const name = `${String(n).padStart(15, '0')}-${randomBytes(6).toString('hex')}.closed`;
      const head = whole.subarray(0, [0, 32, 40, 200][n % 4]);
      writeFileSync(join(folder, name), Buffer.concat([head, randomBytes(n * 37)]));
    }
    expect((await deliverAll()).filter((id, n, all) => all.indexOf(id) === n)).toEqual(IDS);
    expect(filesIn(folder).every((name) => name.endsWith('.corrupt'))).toBe(true);
    expect(new Set(troubles).size).toBe(troubles.length);
    expect(troubles.length).toBeGreaterThan(30);
  });

  test('sealed with another key is set aside', async () => {
    const writer = await beginSegment(folder, newKeys(), EVENTS);
    await writer.close();
    expect(await deliverAll()).toEqual([]);
    expect(troubles).toEqual([expect.stringContaining('another key')]);
    expect(await deliverAll()).toEqual([]);
    expect(troubles).toHaveLength(1);
  });

  test('of a newer version is left alone', async () => {
    const { path, whole } = await closedSegment();
    whole.writeUInt16BE(3, 4);
    createHash('sha256').update(whole.subarray(0, 28)).digest().copy(whole, 28, 0, 4);
    writeFileSync(path, whole);
    expect(await deliverAll()).toEqual([]);
    expect([troubles, filesIn(folder)]).toEqual([[], [basename(path)]]);
  });

  test('gives what was appended together, however much it is, in its order', async () => {
    const sizes = [10, 60_000, 5_000, 70_000, 200_000, 0, 1, 65_536, 3];
    const events = sizes.map((size, n) => ({ ...eventAt(`event-${n}`, n), payload: randomBytes(size) }));
    const writer = await beginSegment(folder, keys, events);
    await writer.close();
    expect(await countWaiting(folder)).toBe(sizes.length);
    const { ids, isWhole } = await readAll(segmentPath({ ...writer.file, state: 'closed' }));
    expect([ids, isWhole]).toEqual([events.map(({ id }) => id), true]);
    expect(await deliverAll()).toEqual(ids);
  });

  test('says how many events wait, whatever became of it', async () => {
    const { path, whole } = await closedSegment();
    for (let at = 32; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at] = 0xff;
      writeFileSync(path, changed);
      expect(await countWaiting(folder), `byte ${at}`).toBeLessThan(100);
    }
  });

  test('that was begun and not written yet is waited for', async () => {
    const writer = await beginSegment(folder, keys);
    const path = segmentPath(writer.file);
    const whole = readFileSync(path);
    for (const cut of [0, 5, 31, 32, 40]) {
      writeFileSync(path, whole.subarray(0, cut));
      expect(await deliverAll(systemClock)).toEqual([]);
    }
    expect([troubles, filesIn(folder)]).toEqual([[], [expect.stringMatching(/\.open$/)]]);
  });

  test('grows while it is read: what is half written is read when it is whole', async () => {
    const { path, whole } = await closedSegment();
    const growing = path.replace(/closed$/, 'open');
    renameSync(path, growing);
    writeFileSync(growing, whole.subarray(0, 100));
    const backlog = new Backlog({ folder, keys, clock: systemClock, onTrouble: () => undefined });
    const ids: string[] = [];
    for (let at = 100; at < whole.length; at += 50) {
      appendFileSync(growing, whole.subarray(at, at + 50));
      await backlog.refresh();
      for (let taken = await backlog.take(); taken !== undefined; taken = await backlog.take())
        ids.push(taken.event.id);
    }
    await backlog.close();
    expect(ids).toEqual(IDS);
  });
});
