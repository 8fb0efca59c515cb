import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '@kilometers/auth';
import { expect, onTestFinished, test } from 'vitest';
import { EventJournal } from '../src/queue/event-journal.js';
import { QueueRoom } from '../src/queue/queue-room.js';
import { countWaiting, listSegments } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { eventNamed } from './support/events.js';
import { accountFolder, newKeys, until } from './support/queue.js';

const MIB = 1024 * 1024;

/** A process that captures, in a queue of 1 MiB. */
function startJournal(folder: string, maxBytes = MIB) {
  const limits = { maxBytes, maxAgeMs: 1e12 };
  const room = new QueueRoom(dirname(folder), limits, systemClock);
  const dropped: { count: number; why: string }[] = [];
  const journal = new EventJournal(
    {
      clock: systemClock,
      keys: newKeys(),
      maxSegmentBytes: maxBytes / 16,
      async makeRoom(bytes) {
        const { isThere, givenUp } = await room.make(bytes);
        for (const { events, why } of givenUp) dropped.push({ count: events, why });
        return isThere;
      },
      onDropped: (count, why) => dropped.push({ count, why }),
      onUnwritable: () => undefined,
    },
    { folder, account: { profile: 'default', origin: undefined } },
  );
  onTestFinished(() => journal.close());
  return { journal, droppedEvents: () => dropped.reduce((sum, { count }) => sum + count, 0), dropped };
}

async function bytesIn(folder: string): Promise<number> {
  const files = await listSegments(folder);
  return files.reduce((sum, file) => sum + statSync(segmentPath(file)).size, 0);
}

test('a burst of three times the size of the queue stays within it: the oldest go, and it says how many', async () => {
  const folder = accountFolder();
  const { journal, droppedEvents } = startJournal(folder);
  const count = (3 * MIB) / 1000;
  for (let n = 0; n < count; n += 1) journal.add(eventNamed(`event-${n}`, 'x'.repeat(1000)));
  await journal.flush();
  expect(await bytesIn(folder)).toBeLessThanOrEqual(MIB);
  expect(await bytesIn(folder)).toBeGreaterThan(MIB * 0.8);
  expect((await countWaiting(folder)) + droppedEvents()).toBe(Math.ceil(count));
});

test('an event that is larger than what memory has room for is written all the same, where the disk takes it', async () => {
  const folder = accountFolder();
  const { journal, dropped } = startJournal(folder, 512 * MIB);
  journal.add(eventNamed('large', 'x'.repeat(20 * MIB)));
  journal.add(eventNamed('small', 'x'));
  await journal.flush();
  expect(dropped).toEqual([]);
  expect(await countWaiting(folder)).toBe(2);
});

test('what is gone of the segments is forgotten, and each that is begun is counted', async () => {
  const folder = accountFolder();
  const { journal } = startJournal(folder);
  for (let n = 0; n < 10; n += 1) {
    // Each a segment of its own.
    journal.add(eventNamed(`event-${n}`, 'x'.repeat(MIB / 20)));
    await journal.flush();
    const [first, ...others] = await listSegments(folder);
    if (others.length > 1) rmSync(segmentPath(first!));
  }
  expect(journal.begun).toBe(10);
  const left = (await listSegments(folder)).map(({ name }) => name);
  expect(left).toHaveLength(2);
  // Of what went since the last one was begun nobody has looked yet.
  expect([...journal.segments].slice(-2)).toEqual(left);
  expect(journal.segments.size).toBe(3);
});

test('several processes that write at once stay within it together', async () => {
  const folder = accountFolder();
  const journals = Array.from({ length: 8 }, () => startJournal(folder));
  for (let round = 0; round < 20; round += 1) {
    for (const { journal } of journals)
      for (let n = 0; n < 10; n += 1) journal.add(eventNamed(`event-${n}`, 'x'.repeat(1000)));
    await Promise.all(journals.map(({ journal }) => journal.flush()));
    expect(await bytesIn(folder)).toBeLessThanOrEqual(MIB);
  }
  const dropped = journals.reduce((sum, each) => sum + each.droppedEvents(), 0);
  expect((await countWaiting(folder)) + dropped).toBe(8 * 20 * 10);
  expect(dropped).toBeGreaterThan(0);
});

test('an event that is larger than the queue is given up, and the others are kept', async () => {
  const folder = accountFolder();
  const { journal, dropped } = startJournal(folder);
  journal.add(eventNamed('small'));
  journal.add(eventNamed('large', 'x'.repeat(MIB)));
  journal.add(eventNamed('another'));
  await journal.flush();
  expect(await countWaiting(folder)).toBe(2);
  expect(dropped).toEqual([{ count: 1, why: 'size' }]);
});

test('one write follows the other, whoever asks for it, and those who ask wait for all that was there', async () => {
  const folder = accountFolder();
  const held: (() => void)[] = [];
  let calls = 0;
  const journal: EventJournal = new EventJournal(
    {
      clock: systemClock,
      keys: newKeys(),
      maxSegmentBytes: MIB,
      makeRoom() {
        calls += 1;
        // The second write has begun.
        if (calls === 3) journal.add(eventNamed('third'));
        return new Promise((resolve) => held.push(() => resolve(true)));
      },
      onDropped: () => undefined,
      onUnwritable: () => undefined,
    },
    { folder, account: { profile: 'default', origin: undefined } },
  );
  const release = () => {
    for (const go of held.splice(0)) go();
  };
  journal.add(eventNamed('first'));
  const all = [journal.flush()];
  journal.add(eventNamed('second'));
  all.push(journal.flush(), journal.flush());
  // Before and after each write there is a look at the room.
  for (const begun of [1, 2, 3]) {
    await until(() => calls >= begun);
    if (begun < 3) release();
  }
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect(calls).toBe(3);
  const goOn = setInterval(release, 1);
  onTestFinished(() => clearInterval(goOn));
  await Promise.all(all);
  expect(await countWaiting(folder)).toBe(3);
  await journal.close();
});
