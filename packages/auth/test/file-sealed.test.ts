import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CacheNotice } from '../src/index.js';
import { LockLostError } from '../src/caches/file/held-generation.js';
import { SealedFile } from '../src/caches/file/sealed-file.js';
import { sealFile, sealRecord } from '../src/caches/file/sealing.js';
import { updateRecord } from '../src/caches/file/update-record.js';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const NOW_MS = Date.UTC(2030, 0, 2, 3, 4, 5);
const ASIDE = '.corrupt-2030-01-02T03-04-05-000Z';
const idOf = (number: number): Buffer => hash('md5', String(number), 'buffer');

let path: string;
let file: SealedFile;
let notices: CacheNotice[];

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'km-sealed-')), 'file');
  notices = [];
  file = new SealedFile(path, (notice) => notices.push(notice));
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true, force: true });
});

/** Writes a file of so many records, each with a text of so many bytes; `change` is made to its bytes. */
function write(count: number, length = 10, change: (bytes: Buffer) => Buffer = (bytes) => bytes): Buffer {
  const records = Array.from({ length: count }, (_, at) =>
    sealRecord(KEY, idOf(at), Buffer.from(String(at).padEnd(length))),
  );
  const bytes = change(sealFile(KEY, records));
  writeFileSync(path, bytes, { mode: 0o600 });
  return bytes;
}

const flipped =
  (at: number) =>
  (bytes: Buffer): Buffer => {
    bytes[at < 0 ? bytes.length + at : at]! ^= 1;
    return bytes;
  };
const cutBy =
  (count: number) =>
  (bytes: Buffer): Buffer =>
    bytes.subarray(0, bytes.length - count);

function look(number: number, key = KEY): unknown {
  const found = file.look(key, idOf(number));
  return Buffer.isBuffer(found) ? found.toString().trim() : found;
}

function lookAtAll(): unknown {
  const { whole, why } = file.lookAtAll(KEY);
  return [whole.map(({ plaintext }) => plaintext.toString().trim()), why];
}

describe('a sealed file', () => {
  test('that is not there has nothing', () => {
    expect(look(0)).toBeUndefined();
    expect(lookAtAll()).toEqual([[], undefined]);
    expect(file.state()).toBe('undefined/undefined/undefined');
  });

  test.each([
    ['few', 3, 10],
    ['large', 3, 20_000],
    ['more records than are read at once', 400, 10],
  ])('of %s records gives each of them', (_which, count, length) => {
    write(count, length);

    expect([look(0), look(count - 1), look(count)]).toEqual(['0', String(count - 1), undefined]);
    expect(lookAtAll()).toEqual([Array.from({ length: count }, (_, at) => String(at)), undefined]);
  });

  test('is in another state after each change', () => {
    write(1);
    const before = file.state();
    expect(file.state()).toBe(before);
    write(2);

    expect(file.state()).not.toBe(before);
  });

  test('of another key does not open, and says so', () => {
    write(1);

    const why = 'it was sealed with another key, on another machine or by another user';
    expect(look(0, OTHER_KEY)).toEqual({ why, isOfAnotherKey: true });
  });

  test('of a newer version is an error, and is left alone', () => {
    write(1, 10, (bytes) => {
      bytes.writeUInt16BE(2, 4);
      hash('sha256', bytes.subarray(0, 12), 'buffer').copy(bytes, 12, 0, 4);
      return bytes;
    });

    expect(() => look(0)).toThrow('was written by a newer version (format 2)');
  });

  test.each([
    ['its first bytes', 5, 'it is damaged'],
    ['how many records it has', 18, 'it is cut off'],
    ['that it has more records than any', 16, 'it is cut off'],
    ['its index', 50, 'it was changed'],
  ])('in which %s was changed does not open, and says so', (_what, at, why) => {
    write(1, 10, flipped(at));

    expect(look(0)).toEqual({ why });
    expect(lookAtAll()).toEqual([[], why]);
  });

  test.each([
    ['changed', flipped(-1), 'a record was changed', 10],
    ['cut off', cutBy(1), 'it is cut off', 10],
    ['changed, beyond what is read at once', flipped(-1), 'a record was changed', 20_000],
    ['cut off, beyond what is read at once', cutBy(1), 'it is cut off', 20_000],
  ])('of which the last record was %s gives all others', (_what, change, why, length) => {
    write(3, length, change);

    expect([look(1), look(2)]).toEqual(['1', { why: 'a record was changed' }]);
    expect(lookAtAll()).toEqual([['0', '1'], why]);
  });

  test('tells once that it does not open, and again when it was moved aside', () => {
    file.tellCorrupt('first');
    file.tellCorrupt('second');
    file.tellAside('/aside', 'it is damaged');
    file.tellCorrupt('third');

    expect(notices).toEqual([
      { kind: 'corrupt', message: 'first' },
      { kind: 'corrupt', message: `${path} did not open (it is damaged): it was moved to /aside` },
    ]);
  });

  test('that others could read is narrowed, which is told', () => {
    writeFileSync(path, '', { mode: 0o644 });

    expect(look(0)).toEqual({ why: 'it is damaged' });
    expect(notices).toMatchObject([{ kind: 'repaired' }]);
  });
});

describe('a change of one record', () => {
  const update = (number: number, next: string | undefined): Promise<void> =>
    updateRecord(
      { file, key: KEY, id: idOf(number), nowMs: NOW_MS, assertHeld: () => Promise.resolve() },
      next === undefined ? undefined : Buffer.from(next),
    );
  const names = (): readonly string[] => readdirSync(join(path, '..')).toSorted();

  test('adds, replaces or removes it, and leaves the others', async () => {
    await update(0, 'zero');
    await update(1, 'one');
    await update(0, 'nought');
    expect(lookAtAll()).toEqual([['one', 'nought'], undefined]);
    await update(1, undefined);

    expect(lookAtAll()).toEqual([['nought'], undefined]);
    expect(names()).toEqual(['file']);
  });

  test('to what it is already writes nothing', async () => {
    await update(2, undefined);
    expect(names()).toEqual([]);
    write(2);
    const before = file.state();
    await update(0, '0'.padEnd(10));
    await update(2, undefined);

    expect(file.state()).toBe(before);
  });

  test('keeps a damaged file aside, and what opens of it', async () => {
    const damaged = write(3, 10, flipped(-1));
    await update(3, 'three');

    expect(lookAtAll()).toEqual([['0', '1', 'three'], undefined]);
    expect(names()).toEqual(['file', `file${ASIDE}`]);
    expect(readFileSync(path + ASIDE)).toEqual(damaged);
    expect(notices).toEqual([
      {
        kind: 'corrupt',
        message: `${path} did not open (a record was changed): it was moved to ${path}${ASIDE}`,
      },
    ]);
  });

  test('to what it is already mends a damaged file all the same', async () => {
    write(3, 10, flipped(-1));
    await update(0, '0'.padEnd(10));

    expect(lookAtAll()).toEqual([['1', '0'], undefined]);
  });

  test('is made though the damaged file goes as it is set aside', async () => {
    write(3, 10, flipped(-1));
    const assertHeld = async (): Promise<void> => {
      rmSync(path, { force: true });
    };
    await updateRecord({ file, key: KEY, id: idOf(0), nowMs: NOW_MS, assertHeld }, Buffer.from('new'));

    expect(lookAtAll()).toEqual([['1', 'new'], undefined]);
  });

  test('sets a damaged file aside in place of another, but of nothing that is no file: then all stays', async () => {
    writeFileSync(path + ASIDE, 'of the same moment');
    const damaged = write(3, 10, flipped(-1));
    await update(0, 'new');
    expect(readFileSync(path + ASIDE)).toEqual(damaged);
    rmSync(path + ASIDE);
    mkdirSync(join(path + ASIDE, 'folder'), { recursive: true });
    write(3, 10, flipped(-1));

    await expect(update(0, 'newer')).rejects.toThrow(`${path} cannot be moved aside: `);
    expect(lookAtAll()).toEqual([['0', '1'], 'a record was changed']);
  });

  test('touches nothing once the lock is lost, not even a damaged file', async () => {
    const damaged = write(3, 10, flipped(-1));
    const lost = new Error('lost');
    const assertHeld = (): Promise<never> => Promise.reject(lost);
    const updated = updateRecord({ file, key: KEY, id: idOf(0), nowMs: NOW_MS, assertHeld }, undefined);

    await expect(updated).rejects.toBe(lost);
    expect(names()).toEqual(['file']);
    expect(readFileSync(path)).toEqual(damaged);
  });

  test('says that the lock was lost where no hard link can be had either: its holder takes it again', async () => {
    writeFileSync(path + ASIDE, 'in the way of a link');
    const damaged = write(3, 10, flipped(-1));
    let asked = 0;
    const assertHeld = () => (++asked > 1 ? Promise.reject(new LockLostError()) : Promise.resolve());
    const updated = updateRecord({ file, key: KEY, id: idOf(0), nowMs: NOW_MS, assertHeld }, undefined);

    await expect(updated).rejects.toBeInstanceOf(LockLostError);
    expect(readFileSync(path)).toEqual(damaged);
  });
});
