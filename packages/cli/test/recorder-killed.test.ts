import { unlinkSync } from 'node:fs';
import { assert as check, asyncProperty, array, boolean, constant, integer, oneof, record } from 'fast-check';
import { expect, test } from 'vitest';
import { segmentPath } from '../src/queue/segment-name.js';
import { eventsOf, flow, LINE, startRecording } from './support/recording.js';
import { newKeys } from './support/queue.js';

/** A process that is killed may lose what it was about to take out of the ring. */
const MAY_BE_LOST_MS = 120;

/** Ids of what it leaves, whether it was looked at or only kept; and of all that it must leave. */
async function leftBy(session: ReturnType<typeof startRecording>) {
  const endedAtMs = session.clock.nowMs();
  const left = [...(await session.recovered()), ...session.events];
  const whole = new Map(eventsOf(session.passed).map((event) => [event.id, event]));
  // The same events as if it had lived, not only as many.
  for (const event of left) expect(event).toEqual(whole.get(event.id));
  const old = session.passed.filter(({ monotonicMs }) => monotonicMs < endedAtMs - MAY_BE_LOST_MS);
  return { left: new Set(left.map(({ id }) => id)), old: eventsOf(old).map(({ id }) => id) };
}

test('while what passed is looked at, what passes meanwhile is kept safe', async () => {
  const session = startRecording({ lookMs: 1 });
  await flow(session, 2_000);
  const { left, old } = await leftBy(session);
  expect(session.events.length).toBeGreaterThan(100);
  expect(session.events.length).toBeLessThan(old.length);
  for (const id of old) expect(left).toContain(id);
});

test('what is kept while the events of what came before are made safe stays', async () => {
  let answer: (isSafe: boolean) => void = () => undefined;
  const secure = () => new Promise<boolean>((resolve) => (answer = resolve));
  const session = startRecording({ secure });
  await flow(session, 300);
  await session.goOn(100);
  await flow(session, 300);
  answer(true);
  await session.goOn(10);
  const { left, old } = await leftBy(session);
  expect(session.events.length).toBeLessThan(old.length);
  for (const id of old) expect(left).toContain(id);
});

test('what was kept in a file that somebody removed is looked at at once, and what passes later is kept in another', async () => {
  const session = startRecording();
  await flow(session, 300);
  for (const { file } of session.begun) unlinkSync(segmentPath(file));
  await flow(session, 100);
  const { left, old } = await leftBy(session);
  for (const id of old) expect(left).toContain(id);
  await session.goOn(100);
  expect(session.events).toEqual(eventsOf(session.passed));
  await flow(session, 300);
  expect(session.begun).toHaveLength(2);
  expect((await session.recovered()).length).toBeGreaterThanOrEqual(230);
});

test('what was looked at before it was kept is not mistaken for what follows it', async () => {
  const session = startRecording({ secure: () => Promise.resolve(false) });
  await flow(session, 200);
  session.pass(LINE);
  await session.recorder.drain();
  await flow(session, 300);
  const { left, old } = await leftBy(session);
  for (const id of old) expect(left).toContain(id);
});

test('nor is it where it was looked at while the file was being begun', async () => {
  let begin: () => void = () => undefined;
  const mayBegin = new Promise<void>((resolve) => (begin = resolve));
  const session = startRecording({ mayBegin, secure: () => Promise.resolve(false) });
  for (let line = 0; line < 100; line += 1) session.pass(LINE);
  await session.clock.advance(50);
  session.pass(LINE);
  await session.clock.advance(10);
  session.pass(LINE);
  await session.recorder.drain();
  begin();
  await flow(session, 300);
  const { left, old } = await leftBy(session);
  for (const id of old) expect(left).toContain(id);
});

test('nor is it where the disk is waited for in the middle of it', async () => {
  let goOn: () => void = () => undefined;
  let congested: Promise<void> | undefined;
  const congestion = () => congested;
  const session = startRecording({ lookMs: 1, congestion, secure: () => Promise.resolve(false) });
  session.pass(LINE);
  await session.goOn(60);
  congested = new Promise<void>((resolve) => (goOn = resolve));
  for (let line = 0; line < 100; line += 1) session.pass(LINE);
  const drained = session.recorder.drain();
  await flow(session, 300);
  await leftBy(session);
  congested = undefined;
  goOn();
  await session.goOn(300);
  await drained;
  await flow(session, 300);
  const { left, old } = await leftBy(session);
  for (const id of old) expect(left).toContain(id);
});

test('what is dropped while it is being begun leaves nothing', async () => {
  let begin: () => void = () => undefined;
  const mayBegin = new Promise<void>((resolve) => (begin = resolve));
  const session = startRecording({ mayBegin });
  for (let line = 0; line < 100; line += 1) session.pass(LINE);
  await session.clock.advance(50);
  session.pass(LINE);
  await session.clock.advance(10);
  await session.recorder.drain();
  const dropped = session.ahead.drop();
  begin();
  await dropped;
  expect(session.begun).toHaveLength(1);
  expect(await session.recovered()).toEqual([]);
});

test('whatever passes when, a process that is killed leaves all but what is being gathered, as it was', async () => {
  const keys = newKeys();
  const piece = record({
    lines: integer({ min: 1, max: 80 }),
    isInbound: boolean(),
    cut: oneof(constant(0), integer({ min: 1, max: 50 })),
  });
  const step = oneof(piece, piece, integer({ min: 1, max: 120 }), constant('drain' as const));
  await check(
    asyncProperty(boolean(), array(step, { minLength: 10, maxLength: 60 }), async (isSafe, steps) => {
      const session = startRecording({ keys, secure: () => Promise.resolve(isSafe) });
      for (const each of steps) {
        if (typeof each === 'number') {
          await session.goOn(each);
        } else if (each === 'drain') {
          await session.recorder.drain();
        } else {
          const { lines, isInbound, cut } = each;
          const text = LINE.repeat(lines);
          session.pass(text.slice(0, text.length - cut), isInbound ? 'inbound' : 'outbound');
        }
      }
      const { left, old } = await leftBy(session);
      for (const id of old) expect(left).toContain(id);
    }),
    { numRuns: 40 },
  );
}, 60_000);
