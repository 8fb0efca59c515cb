import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EventJournal } from '../src/queue/event-journal.js';
import { encodeEvent } from '../src/queue/event-record.js';
import { JournalSegments } from '../src/queue/journal-segments.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { SegmentWriter } from '../src/queue/segment-writer.js';
import { eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, newKeys, until } from './support/queue.js';

const account = { profile: 'default', origin: undefined };

/** Something that takes as long as it is held. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** A process that captures for one account and then for another, each with a folder of its own. */
async function startJournal(makeRoom: () => Promise<boolean> = () => Promise.resolve(true)) {
  const [clock, keys, before, after] = [new FakeClock(), newKeys(), accountFolder(), accountFolder()];
  await keys.current();
  const options = { clock, keys, maxSegmentBytes: 1024 * 1024, makeRoom };
  const journal = new EventJournal(
    { ...options, onDropped: () => undefined, onUnwritable: () => undefined },
    { folder: before, account },
  );
  onTestFinished(() => journal.close());
  const settle = async () => {
    for (let turns = 0; turns < 10; turns += 1) await turn();
  };
  return {
    clock,
    options,
    journal,
    settle,
    before,
    after,
    add: (...ids: readonly string[]) => {
      for (const id of ids) journal.add(eventNamed(id));
    },
    move: () => journal.moveTo({ folder: after, account }),
    counts: async () => ({ before: await countWaiting(before), after: await countWaiting(after) }),
  };
}

test('what comes while the last segment of an account is closed is written for the next account, and so is all after it', async () => {
  const { clock, journal, settle, add, move, counts } = await startJournal();
  const closing = gate();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its `this` below
  const close = SegmentWriter.prototype.close;
  const spy = vi.spyOn(SegmentWriter.prototype, 'close').mockImplementation(async function (
    this: SegmentWriter,
  ) {
    await closing.opened;
    return close.call(this);
  });
  onTestFinished(() => spy.mockRestore());
  add('old');
  await journal.flush();
  const moved = move();
  await settle();
  add('between');
  await clock.advance(60);
  await settle();
  closing.open();
  await moved;
  add('1', '2', '3', '4', '5');
  await journal.flush();
  expect(await counts()).toEqual({ before: 1, after: 6 });
});

test('a write that somebody else began meanwhile is waited for, and nothing is written there after it', async () => {
  const room = gate();
  let asked = 0;
  const { journal, settle, add, move, counts } = await startJournal(async () => {
    asked += 1;
    await room.opened;
    return true;
  });
  add('first');
  const moved = move();
  await until(() => asked === 1);
  add('second');
  const flushed = journal.flush();
  await settle();
  room.open();
  await Promise.all([moved, flushed]);
  add('third');
  await journal.flush();
  expect(await counts()).toEqual({ before: 2, after: 1 });
});

test('a segment has the records of one folder only', async () => {
  const { options, before, after, counts } = await startJournal();
  const segments = new JournalSegments(options);
  onTestFinished(() => segments.close());
  const records = [encodeEvent(eventNamed('event'))];
  await segments.append({ folder: before, account }, records);
  await segments.append({ folder: after, account }, records);
  await segments.append({ folder: after, account }, records);
  expect(await counts()).toEqual({ before: 1, after: 2 });
});
