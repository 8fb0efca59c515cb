import { createHash } from 'node:crypto';
import { assert as check, property, array, constantFrom, integer, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter, type Line } from '../src/monitor/line-splitter.js';

type PlacedLine = Line & { readonly endsAt: number };

function split(chunks: readonly Uint8Array[], maxLineBytes = 1024): PlacedLine[] {
  const lines: PlacedLine[] = [];
  const onLine = (line: Line, endsAt: number) => {
    lines.push(
      line.kind === 'whole' ? { ...line, endsAt, bytes: Buffer.from(line.bytes) } : { ...line, endsAt },
    );
  };
  const splitter = new LineSplitter({ maxLineBytes, onLine });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

function textOf(line: Line): string {
  return line.kind === 'whole' ? line.bytes.toString() : `${line.size} bytes`;
}

/** Cuts `bytes` into pieces of the given sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

describe('a line splitter', () => {
  test('gives each line without its newline', () => {
    expect(split([Buffer.from('one\ntwo\n')]).map(textOf)).toEqual(['one', 'two']);
  });

  test('puts a line together that came in pieces', () => {
    expect(split(['o', 'n', 'e\ntw', 'o', '\n'].map((text) => Buffer.from(text))).map(textOf)).toEqual([
      'one',
      'two',
    ]);
  });

  test('takes what follows the last newline as a line, and nothing where there is nothing', () => {
    expect(split([Buffer.from('one\ntwo')]).map(textOf)).toEqual(['one', 'two']);
    expect(split([Buffer.from('one\n')]).map(textOf)).toEqual(['one']);
    expect(split([])).toEqual([]);
  });

  test('keeps a carriage return, which is a byte of the line', () => {
    expect(split([Buffer.from('one\r\n')]).map(textOf)).toEqual(['one\r']);
  });

  test('gives an empty line as one of no bytes', () => {
    expect(split([Buffer.from('\n\n')]).map(({ size }) => size)).toEqual([0, 0]);
  });

  test('tells size, hash and both ends of a line that is too long to keep, and goes on after it', () => {
    const long = Buffer.from(`start${'x'.repeat(5_000)}end`);
    const lines = split([Buffer.from('before\n'), ...cut(long, [700]), Buffer.from('\nafter\n')]);
    expect(lines.map(textOf)).toEqual(['before', '5008 bytes', 'after']);
    const [, oversized] = lines;
    if (oversized?.kind !== 'oversized') throw new Error('expected an oversized line');
    expect(oversized.sha256).toBe(createHash('sha256').update(long).digest('hex'));
    expect(oversized.head.toString()).toMatch(/^startx+$|^startx+end$/);
    expect(oversized.tail.toString()).toMatch(/x+end$/);
    expect(oversized.tail.length).toBe(1024);
  });

  test('keeps a line of exactly the limit, and not one of a byte more', () => {
    expect(split([Buffer.from(`${'x'.repeat(1024)}\n`)])[0]?.kind).toBe('whole');
    expect(split([Buffer.from(`${'x'.repeat(1025)}\n`)])[0]?.kind).toBe('oversized');
    expect(split(cut(Buffer.from(`${'x'.repeat(1025)}\n`), [100]))[0]?.kind).toBe('oversized');
  });

  test('finds the same lines however the stream is cut', () => {
    const byte = constantFrom(0x0a, 0x0d, 0x7b, 0x22, 0xff, 0x00);
    check(
      property(
        array(byte, { maxLength: 200 }),
        array(integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        integer({ min: 1, max: 30 }),
        (bytes, sizes, maxLineBytes) => {
          const stream = Buffer.from(bytes);
          expect(split(cut(stream, sizes), maxLineBytes)).toEqual(split([stream], maxLineBytes));
        },
      ),
    );
  });

  test('loses no byte: the lines and their newlines are the stream', () => {
    check(
      property(uint8Array({ maxLength: 500 }), (bytes) => {
        const lines = split([bytes]).map((line) => (line.kind === 'whole' ? line.bytes : Buffer.alloc(0)));
        const joined = Buffer.from(lines.map((line) => line.toString('latin1')).join('\n'), 'latin1');
        const ended = bytes.at(-1) === 0x0a ? Buffer.concat([joined, Buffer.from('\n')]) : joined;
        expect(ended.equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });
});
