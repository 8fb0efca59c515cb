import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@kilometers/auth';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { clearQueue } from '../src/queue/clear-queue.js';
import { DeliverySchedule } from '../src/queue/delivery-schedule.js';
import { DrainLease } from '../src/queue/drain-lease.js';
import { encodeEvent } from '../src/queue/event-record.js';
import { flushQueue, type Flushed } from '../src/queue/flush-queue.js';
import { RefusedEvents } from '../src/queue/refused-events.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { FakeClock } from './support/fake-clock.js';
import { leavePrelude } from './support/left-prelude.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys } from './support/queue.js';
import { DELIVERED, diskAtRest, DOWN, startProcess } from './support/queue-process.js';

type Flushing = {
  readonly folder: string;
  readonly keys: SegmentKeys;
  readonly clock?: FakeClock;
  readonly adopts?: readonly string[];
};

/** Flushes a folder, as the clock goes on. */
async function flush(
  { folder, keys, clock = new FakeClock(), adopts = [] }: Flushing,
  script: readonly SendOutcome[],
): Promise<Flushed> {
  const { queue } = await startProcess({ folder, keys, clock, adopts });
  let sent = 0;
  const send = (): Promise<SendOutcome> =>
    Promise.resolve(script[Math.min(sent++, script.length - 1)] ?? DOWN);
  let flushed: Flushed | undefined;
  const context = { clock, createId: () => 'id', version: '0.0.0' };
  const flushing = flushQueue({ access: { send }, queue, place: { keys } }, context).then((result) => {
    flushed = result;
  });
  for (let steps = 0; flushed === undefined && steps < 1_000; steps += 1) {
    await clock.advance(100);
    await diskAtRest();
  }
  await flushing;
  if (flushed === undefined) throw new Error('unreachable: it has ended');
  return flushed;
}

/** Gives a file of the queue the next version of the format. */
function asOfNewerVersion(path: string): void {
  const bytes = readFileSync(path);
  bytes.writeUInt16BE(bytes.readUInt16BE(4) + 1, 4);
  createHash('sha256').update(bytes.subarray(0, 28)).digest().copy(bytes, 28, 0, 4);
  writeFileSync(path, bytes);
}

describe('km queue flush', () => {
  test('counts what is still to be made of what a killed session left, where the API does not answer', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 20_000);
    const flushed = await flush({ folder, keys }, [...Array<SendOutcome>(15).fill(DELIVERED), DOWN]);
    expect(flushed.failure).toMatchObject({ reason: 'down' });
    expect(flushed.delivered).toBeGreaterThan(4_000);
    expect(flushed.waiting).toBe(20_000 - flushed.delivered);
    expect(await countWaiting(folder)).toBeLessThan(flushed.waiting);
  }, 60_000);

  test('tries again what the API refused once, after all else; what it refuses again is set aside again', async () => {
    const [folder, keys, clock] = [accountFolder(), newKeys(), new FakeClock()];
    const refused = new RefusedEvents({ keys, clock });
    const account = { profile: 'default', origin: 'https://api.example' };
    const names = Array.from({ length: 12 }, (_, n) => `refused-${n}`);
    for (const name of names)
      expect(await refused.keep(eventAt(name, 1_000), { folder, account })).toBe(true);
    await refused.close();
    await (await beginSegment(folder, keys, [eventAt('waiting', 2_000)])).close();

    const REFUSED: SendOutcome = { type: 'refused', reason: 'HTTP 400' };
    const first = await flush({ folder, keys, clock }, [REFUSED]);
    expect(first).toEqual({
      delivered: 0,
      refused: 1,
      lost: 0,
      waiting: 0,
      isByOther: false,
      failure: undefined,
    });
    await (await beginSegment(folder, keys, [eventAt('another', 3_000)])).close();
    const again = await flush({ folder, keys, clock }, [DELIVERED, REFUSED]);
    expect(again).toEqual({
      delivered: 1,
      refused: 13,
      lost: 0,
      waiting: 0,
      isByOther: false,
      failure: undefined,
    });
    expect(filesIn(folder)).toEqual([expect.stringMatching(/\.refused$/)]);
    const taken = await flush({ folder, keys, clock }, [DELIVERED]);
    expect(taken).toEqual({
      delivered: 13,
      refused: 0,
      lost: 0,
      waiting: 0,
      isByOther: false,
      failure: undefined,
    });
    expect(filesIn(folder)).toEqual([]);
  });

  test('ends with what waited when it began, however much a session adds meanwhile', async () => {
    const [folder, keys, clock] = [accountFolder(), newKeys(), new FakeClock()];
    const session = await beginSegment(folder, keys, [eventAt('waited', 1_000)]);
    const { queue } = await startProcess({ folder, keys, clock });
    let sent = 0;
    const send = async (): Promise<SendOutcome> => {
      sent += 1;
      await session.append([encodeEvent(eventAt(`meanwhile-${sent}`, 1_000 + sent))]);
      return DELIVERED;
    };
    const context = { clock, createId: () => 'id', version: '0.0.0' };
    const flushed = await flushQueue({ access: { send }, queue, place: { keys } }, context);
    expect(flushed).toMatchObject({ waiting: 0, failure: undefined });
    expect(sent).toBeLessThanOrEqual(2);
    expect(await countWaiting(folder)).toBeGreaterThan(0);
  });

  test('delivers the rest where the disk cannot read a file, and says so', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await (await beginSegment(folder, keys, [eventAt('a', 1_000)])).close();
    // A folder can be opened, and not read.
    mkdirSync(join(folder, '000000000000001-000000000000.closed'));
    const flushed = await flush({ folder, keys }, [DELIVERED]);
    expect(flushed).toMatchObject({ delivered: 1, waiting: 0 });
    expect(flushed.failure).toEqual({
      reason: 'the disk cannot read a file of the queue',
      needsHuman: true,
    });
  });

  test('says at once that the folder cannot be written', async () => {
    const clock = new FakeClock();
    const startedAtMs = clock.monotonicMs();
    const flushed = await flush({ folder: '/dev/null/queue', keys: newKeys(), clock }, [DELIVERED]);
    expect(clock.monotonicMs() - startedAtMs).toBeLessThan(1_000);
    expect(flushed.failure).toEqual({
      reason: expect.stringMatching(
        /^the queue's folder cannot be written: .*: a part of the path is not a folder: set KM_CONFIG_DIR/,
      ) as string,
      needsHuman: true,
    });
  });

  test('does not take another process to be through that has made nothing of it yet', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 2_000);
    const clock = new FakeClock();
    const other = new DrainLease({ folder, clock, random: () => 1 });
    expect(await other.take()).toBe(true);
    const flushed = await flush({ folder, keys, clock }, [DELIVERED]);
    await other.release();
    expect(flushed).toMatchObject({ delivered: 0, waiting: 2_000 });
    expect(flushed.failure?.reason).toContain('delivers the queue, and does not get on');
    expect(await flush({ folder, keys, clock }, [DELIVERED])).toMatchObject({ delivered: 2_000, waiting: 0 });
  }, 60_000);

  test('gives another process what the account may have, which that does not look for, and waits for it', async () => {
    const [folder, unsettled, keys, clock] = [accountFolder(), accountFolder(), newKeys(), new FakeClock()];
    await (await beginSegment(unsettled, keys, [eventAt('first', 1), eventAt('second', 2)])).close();
    await leavePrelude(unsettled, keys, 3);
    const other = new DrainLease({ folder, clock, random: () => 1 });
    expect(await other.take()).toBe(true);
    const flushed = await flush({ folder, keys, clock, adopts: [unsettled] }, [DELIVERED]);
    await other.release();
    expect(flushed).toMatchObject({ delivered: 0, waiting: 5 });
    expect(flushed.failure?.reason).toContain('delivers the queue, and does not get on');
    expect(filesIn(unsettled)).toEqual([]);
    expect(await flush({ folder, keys, clock }, [DELIVERED])).toMatchObject({ delivered: 5, waiting: 0 });
  });

  test('counts what the account may have while the API wants to be left alone', async () => {
    const [folder, unsettled, keys, clock] = [accountFolder(), accountFolder(), newKeys(), new FakeClock()];
    await (await beginSegment(folder, keys, [eventAt('first', 1)])).close();
    await (await beginSegment(unsettled, keys, [eventAt('second', 2), eventAt('third', 3)])).close();
    await new DeliverySchedule({ folder, clock, random: () => 1 }).fail('busy', 600_000);
    const flushed = await flush({ folder, keys, clock, adopts: [unsettled] }, [DELIVERED]);
    expect(flushed).toMatchObject({ delivered: 0, waiting: 3 });
    expect(flushed.failure?.reason).toBe('the API asked to be left alone for 600 s more');
  });

  test('delivers all but what a newer km wrote, which it says: that is no end', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await (await beginSegment(folder, keys, [eventAt('first', 1), eventAt('second', 2)])).close();
    await leavePrelude(folder, keys, 500);
    for (const name of filesIn(folder)) asOfNewerVersion(join(folder, name));
    await (await beginSegment(folder, keys, [eventAt('third', 3)])).close();
    const flushed = await flush({ folder, keys }, [DELIVERED]);
    // What cannot be opened counts by its records: one of the prelude has all its messages.
    expect(flushed).toMatchObject({
      delivered: 1,
      waiting: 3,
      failure: { reason: 'a newer km wrote them: upgrade km', needsHuman: true },
    });
    await clearQueue([folder], { keys, clock: systemClock, random: () => 1 });
    expect(await flush({ folder, keys }, [DELIVERED])).toMatchObject({ waiting: 0, failure: undefined });
  });
});
