import {
  array,
  assert as check,
  boolean,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  uint8Array,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingReader, RingWriter } from '../src/monitor/capture-ring.js';
import { createRingMemory } from '../src/monitor/ring-memory.js';
import { recordsIn, type RingRecord } from '../src/monitor/ring-record.js';

const CAPACITY = 4096;
const from = { direction: 'inbound', wallMs: 1_700_000_000_000.5, monotonicMs: 12.25 } as const;

function startRing() {
  const memory = createRingMemory(CAPACITY);
  const reader = new RingReader(memory);
  /** The oldest record. */
  const read = () => recordsOf(reader.take(1)?.bytes)[0];
  return { memory, writer: new RingWriter(memory), reader, read };
}

function recordsOf(piece: Buffer = Buffer.alloc(0)): readonly RingRecord[] {
  return [...recordsIn(piece)];
}

function bytesOf(text: string): RingRecord {
  return { kind: 'bytes', ...from, bytes: Buffer.from(text) };
}

describe('a ring', () => {
  test('gives records as they were written, in order', () => {
    const { writer, reader, read } = startRing();
    const records: RingRecord[] = [
      bytesOf('hello'),
      { kind: 'skipped', ...from, direction: 'outbound', size: 5_000_000_000 },
      { kind: 'missed', ...from, size: 70, lines: 3, endsLine: true },
      { kind: 'end', ...from },
    ];
    for (const each of records) expect(writer.write(each)).toBe(true);
    expect(records.map(() => read())).toEqual(records);
    expect(reader.take(1)).toBeUndefined();
    expect(writer.usedBytes).toBe(0);
  });

  test('gives many at once, as they stood there, and says when the last of them passed', () => {
    const { writer, reader } = startRing();
    const records = [1, 2, 3, 4].map((ms) => ({ ...bytesOf(`message ${ms}`), monotonicMs: ms }));
    for (const each of records) writer.write(each);
    const { bytes: first, lastAtMs } = reader.take(100) ?? {};
    expect(recordsOf(first)).toEqual(records.slice(0, 2));
    expect(lastAtMs).toBe(2);
    const rest = reader.take(CAPACITY);
    expect(rest?.lastAtMs).toBe(4);
    // Of memory that others use as well, it is copied to where it can be read.
    const shifted = Buffer.concat([Buffer.from('x'), rest?.bytes ?? Buffer.alloc(0)]).subarray(1);
    expect(recordsOf(shifted)).toEqual(records.slice(2));
  });

  test('takes nothing where there is no room for all of it, and takes it once there is', () => {
    const { writer, reader } = startRing();
    const large = bytesOf('x'.repeat(1_500));
    expect(writer.write(large)).toBe(true);
    expect(writer.write(large)).toBe(true);
    const usedBytes = writer.usedBytes;
    expect(writer.write(large)).toBe(false);
    expect(writer.usedBytes).toBe(usedBytes);
    while (reader.take(CAPACITY) !== undefined);
    expect(writer.write(large)).toBe(true);
    expect(writer.write(bytesOf('x'.repeat(CAPACITY)))).toBe(false);
  });

  test('touches no more of its memory than was needed at once, however much passes', () => {
    const { memory, writer, reader } = startRing();
    for (let count = 0; count < 1_000; count += 1) {
      for (const text of ['one', 'two', 'three']) expect(writer.write(bytesOf(text.repeat(50)))).toBe(true);
      while (reader.take(CAPACITY) !== undefined);
    }
    const touched = new Uint8Array(memory).findLastIndex((byte) => byte !== 0);
    expect(touched).toBeLessThan(memory.byteLength - CAPACITY / 2);
  });

  test('keeps what is lent as it was until that is given back, whatever is taken and written meanwhile', () => {
    const { writer, reader } = startRing();
    const old = bytesOf('old'.repeat(300));
    writer.write(old);
    const lent = reader.lend(CAPACITY)?.bytes;
    let written = 0;
    for (let count = 0; count < 20; count += 1) {
      if (writer.write(bytesOf('new'.repeat(300)))) written += 1;
      while (reader.take(CAPACITY) !== undefined);
    }
    expect(written).toBe(20);
    expect(recordsOf(lent)).toEqual([old]);
    reader.giveBack();
    expect(writer.usedBytes).toBe(0);
  });

  test('asks to be woken only when nothing came meanwhile, and is woken once', () => {
    const { writer, reader } = startRing();
    expect(writer.takeIdle()).toBe(false);
    expect(reader.sleep()).toBe(true);
    writer.write(bytesOf('x'));
    expect([writer.takeIdle(), writer.takeIdle()]).toEqual([true, false]);
    expect(reader.sleep()).toBe(false);
  });

  test('goes on where its positions begin anew', () => {
    const memory = createRingMemory(1024 * 1024);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    const bytes = Buffer.alloc(200_000, 'x');
    const rounds = Math.ceil(2 ** 32 / bytes.length) + 10;
    for (let round = 0; round < rounds; round += 1) {
      bytes.writeUInt32BE(round);
      if (!writer.write({ kind: 'bytes', ...from, bytes })) throw new Error(`no room in round ${round}`);
      let passed = 0;
      for (let piece = reader.lend(1); piece !== undefined; piece = reader.lend(1)) {
        for (const each of recordsOf(piece.bytes)) {
          if (each.kind !== 'bytes') continue;
          if (passed === 0) expect(each.bytes.readUInt32BE()).toBe(round);
          passed += each.bytes.length;
        }
        reader.giveBack();
      }
      expect(passed).toBe(bytes.length);
      expect(writer.usedBytes).toBe(0);
    }
  }, 60_000);

  test('passes every byte of any stream, whatever the sizes and the turns of the two', () => {
    const write = record({ bytes: uint8Array({ maxLength: 400 }), isInbound: boolean() });
    const other = constantFrom('skip' as const, 'lend' as const, 'give back' as const);
    const step = oneof(write, integer({ min: 1, max: 2 * CAPACITY }), other);
    check(
      property(array(step, { maxLength: 200 }), (steps) => {
        const { writer, reader } = startRing();
        const sent = { inbound: [] as Uint8Array[], outbound: [] as Uint8Array[] };
        const got = { inbound: [] as Uint8Array[], outbound: [] as Uint8Array[] };
        let [skipsSent, skipsGot] = [0, 0];
        const look = (bytes?: Buffer) => {
          for (const each of recordsOf(bytes)) {
            if (each.kind === 'bytes') got[each.direction].push(Buffer.from(each.bytes));
            if (each.kind === 'skipped') skipsGot += each.size;
          }
        };
        /** What is lent, and then what was taken after it. */
        let held: Buffer[] = [];
        const giveBack = () => {
          for (const bytes of held) look(bytes);
          held = [];
          reader.giveBack();
        };
        const take = (maxBytes: number) => {
          const piece = reader.take(maxBytes);
          if (piece !== undefined && held.length > 0) held.push(piece.bytes);
          else look(piece?.bytes);
          return piece !== undefined;
        };
        for (const each of steps) {
          if (typeof each === 'number') {
            take(each);
          } else if (each === 'skip') {
            if (writer.write({ kind: 'skipped', ...from, size: 1 })) skipsSent += 1;
          } else if (each === 'lend') {
            giveBack();
            held = [reader.lend(CAPACITY)?.bytes ?? []].flat();
          } else if (each === 'give back') {
            giveBack();
          } else {
            const direction = each.isInbound ? 'inbound' : 'outbound';
            const bytes = Buffer.from(each.bytes);
            if (writer.write({ kind: 'bytes', ...from, direction, bytes })) sent[direction].push(bytes);
          }
        }
        giveBack();
        while (take(1));
        for (const direction of ['inbound', 'outbound'] as const) {
          expect(Buffer.concat(got[direction])).toEqual(Buffer.concat(sent[direction]));
        }
        expect(skipsGot).toBe(skipsSent);
        expect(writer.usedBytes).toBe(0);
      }),
    );
  });
});
