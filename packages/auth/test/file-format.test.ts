import { hash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  entriesOf,
  findEntry,
  HEADER_BYTES,
  indexEnd,
  isSealedBy,
  isSealWhole,
  keyIdOf,
  openRecord,
  readHeader,
  type SealedRecord,
} from '../src/caches/file/sealed-format.js';
import { sealFile, sealRecord } from '../src/caches/file/sealing.js';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const idOf = (number: number): Buffer => Buffer.alloc(16, number);

const RECORDS = [1, 2, 3].map((number) => sealRecord(KEY, idOf(number), Buffer.from(`text ${number}`)));
const FILE = sealFile(KEY, RECORDS);
const END = indexEnd(RECORDS.length)!;

/** The record of this id, as it stands in a file. */
function recordIn(file: Buffer, id: Buffer): SealedRecord {
  const { offset, length, ...entry } = findEntry(file, END, id)!;
  return { ...entry, ciphertext: file.subarray(offset, offset + length) };
}

test('each record of a sealed file is found by its id, and opens', () => {
  for (const number of [1, 2, 3])
    expect(openRecord(KEY, recordIn(FILE, idOf(number)))?.toString()).toBe(`text ${number}`);
  expect(entriesOf(FILE, END).map(({ id }) => id)).toEqual([1, 2, 3].map(idOf));
  expect(findEntry(FILE, END, idOf(4))).toBeUndefined();
  expect(FILE.includes('text')).toBe(false);
});

test('a record does not open under the id of another, with another key, nonce or tag', () => {
  const record = recordIn(FILE, idOf(1));
  expect(openRecord(KEY, { ...record, id: idOf(2) })).toBeUndefined();
  expect(openRecord(OTHER_KEY, record)).toBeUndefined();
  expect(openRecord(KEY, { ...record, nonce: randomBytes(12) })).toBeUndefined();
  expect(openRecord(KEY, { ...record, tag: randomBytes(16) })).toBeUndefined();
});

test('the seal of a file breaks with any bit of its header or index, and with nothing else', () => {
  expect(isSealWhole(KEY, FILE, END)).toBe(true);
  for (let at = 0; at < FILE.length; at += 1) {
    const changed = Buffer.from(FILE);
    changed[at]! ^= 1;
    expect(isSealWhole(KEY, changed, END), `byte ${at}`).toBe(at >= END);
  }
  expect(isSealWhole(OTHER_KEY, FILE, END)).toBe(false);
});

test('a header tells version and key, whoever reads it', () => {
  expect(readHeader(FILE)).toEqual({ version: 1, keyId: keyIdOf(KEY) });
  const newer = Buffer.from(FILE);
  newer.writeUInt16BE(2, 4);
  hash('sha256', newer.subarray(0, 12), 'buffer').copy(newer, 12, 0, 4);
  expect(readHeader(newer)).toEqual({ version: 2, keyId: keyIdOf(KEY) });
});

test('what is too short, of another kind, or damaged in its first bytes has no header', () => {
  expect(readHeader(FILE.subarray(0, HEADER_BYTES))).toBeDefined();
  expect(readHeader(FILE.subarray(0, HEADER_BYTES - 1))).toBeUndefined();
  for (let at = 0; at < 16; at += 1) {
    const changed = Buffer.from(FILE);
    changed[at]! ^= 1;
    expect(readHeader(changed), `byte ${at}`).toBeUndefined();
  }
  const otherKind = Buffer.from(FILE);
  otherKind.write('KMSX', 0);
  hash('sha256', otherKind.subarray(0, 12), 'buffer').copy(otherKind, 12, 0, 4);
  expect(readHeader(otherKind)).toBeUndefined();
});

test('a file is of a key only if its first bytes are whole, and of that key', () => {
  expect(isSealedBy(KEY, FILE)).toBe(true);
  expect(isSealedBy(OTHER_KEY, FILE)).toBe(false);
  expect(isSealedBy(KEY, FILE.subarray(0, HEADER_BYTES))).toBe(true);
  expect(isSealedBy(KEY, FILE.subarray(0, HEADER_BYTES - 1))).toBe(false);
});

test('no file has more than 100 000 records, whatever its header says', () => {
  expect(indexEnd(0)).toBe(48);
  expect(indexEnd(100_000)).toBe(48 + 100_000 * 56);
  expect(indexEnd(100_001)).toBeUndefined();
});
