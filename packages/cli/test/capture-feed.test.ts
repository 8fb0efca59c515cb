import { expect, test } from 'vitest';
import { CaptureFeed } from '../src/monitor/capture-feed.js';
import { RingReader, RingWriter } from '../src/monitor/capture-ring.js';
import { createRingMemory } from '../src/monitor/ring-memory.js';
import { recordsIn } from '../src/monitor/ring-record.js';
import { FakeClock } from './support/fake-clock.js';

const LINE = Buffer.from(`${'x'.repeat(99)}\n`);

/** A feed whose reader stands still until it reads. */
function startFeed() {
  const clock = new FakeClock();
  const memory = createRingMemory(4_096);
  const reader = new RingReader(memory);
  const feed = new CaptureFeed({
    ring: new RingWriter(memory),
    clock,
    prelude: undefined,
    wake: () => undefined,
    onRoom: () => undefined,
  });
  const read = () => {
    const bytes = reader.take(4_096)?.bytes;
    return bytes === undefined ? [] : [...recordsIn(bytes)];
  };
  return { clock, feed, read };
}

test.each([
  ['goes on before the stream ends', 0],
  ['goes on after that', 1_000],
])('what was missed is told at the end to a reader that %s', async (_, stallMs) => {
  const { clock, feed, read } = startFeed();
  for (let n = 0; n < 100; n += 1) {
    feed.see('inbound', LINE);
    await clock.advance(10);
  }
  const before = stallMs === 0 ? read() : [];
  feed.end('inbound');
  const settled = feed.settled();
  await clock.advance(stallMs);
  const records = [...before];
  for (let turn = 0; turn < 10; turn += 1) {
    records.push(...read());
    await clock.advance(10);
  }
  await settled;
  const missed = records.flatMap((record) => (record.kind === 'missed' ? [record] : []));
  expect(missed.length).toBeGreaterThan(0);
  expect(missed.every(({ endsLine }) => endsLine)).toBe(true);
  const lines = missed.reduce((sum, each) => sum + each.lines, 0);
  const seenBytes = records.reduce((sum, each) => sum + (each.kind === 'bytes' ? each.bytes.length : 0), 0);
  expect(seenBytes / LINE.length + lines).toBe(100);
});
