import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAt, readPrivateFile } from '../src/caches/file/read-private-file.js';
import { asideName, replacePrivateFile, writePrivateFileBeside } from '../src/caches/file/safe-file.js';
import { errnoOf, newerVersion, refuse, storageError } from '../src/caches/file/storage-error.js';
import { sweepTemporaries, temporaryName } from '../src/caches/file/temporary-file.js';

let folder: string;
let path: string;
let repairs: string[];

const read = (from = 0, length = 100): string | undefined =>
  readPrivateFile(
    path,
    (message) => repairs.push(message),
    (fd) => readAt(fd, from, length).toString(),
  );

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-private-file-'));
  path = join(folder, 'file');
  repairs = [];
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a private file that is read', () => {
  test('is read from any position, up to its end', () => {
    writeFileSync(path, 'abcdef', { mode: 0o600 });

    expect([read(), read(2, 3), read(4), read(6)]).toEqual(['abcdef', 'cde', 'ef', '']);
    expect(repairs).toEqual([]);
  });

  test('is nothing where there is none', () => {
    expect(read()).toBeUndefined();
  });

  test('that others could read is narrowed, which is told', () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0o640);

    expect(read()).toBe('x');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(repairs).toEqual([`${path} could be read by other users (mode 640): it is 600 now`]);
  });

  test('that its user cannot write stays so', () => {
    writeFileSync(path, 'x', { mode: 0o400 });

    expect(read()).toBe('x');
    expect(statSync(path).mode & 0o777).toBe(0o400);
  });

  test('is no link, whatever it leads to', () => {
    writeFileSync(join(folder, 'other'), 'x', { mode: 0o600 });
    symlinkSync('other', path);

    expect(() => read()).toThrow(`${path} is a symbolic link; it is not used`);
  });

  test('is no folder', () => {
    mkdirSync(path);

    expect(() => read()).toThrow(`${path} is not a file; it is not used`);
  });

  test.skipIf(process.platform === 'win32')('is no pipe, and nobody waits for one to be written to', () => {
    execFileSync('mkfifo', [path]);

    expect(() => read()).toThrow(`${path} is not a file; it is not used`);
  });

  test.skipIf(process.platform === 'win32')('is no socket', async () => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    try {
      expect(() => read()).toThrow(`${path} is not a file; it is not used`);
    } finally {
      server.close();
    }
  });

  test('below what is no folder is an error that says so', () => {
    writeFileSync(path, '');
    path = join(path, 'file');

    expect(() => read()).toThrow(`${path} cannot be read: a part of the path is not a folder`);
  });

  test.runIf(process.getuid?.() === 0)('of another user is not used, nor touched', () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0o644);
    chownSync(path, 12_345, 12_345);

    expect(() => read()).toThrow(`${path} belongs to user 12345, not to user 0; it is not used`);
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });
});

describe('a private file that is replaced', () => {
  test('is mode 600, and leaves nothing beside it', async () => {
    await replacePrivateFile(path, Buffer.from('one'));
    await replacePrivateFile(path, Buffer.from('two'));

    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('is whole beside the old one when it is asked whether it may be, and the old one stays where it may not', async () => {
    writeFileSync(path, 'old');
    let beside: readonly string[] = [];
    const refusal = new Error('no');
    const replaced = replacePrivateFile(path, Buffer.from('new'), () => {
      beside = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
      return Promise.reject(refusal);
    });

    await expect(replaced).rejects.toMatchObject({ code: 'KM_AUTH_CACHE', cause: refusal });
    expect(beside.toSorted()).toEqual(['new', 'old']);
    expect(readdirSync(folder)).toEqual(['file']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test('is no link: that, and what it leads to, stay as they are', async () => {
    writeFileSync(join(folder, 'other'), 'x');
    symlinkSync('other', path);

    await expect(replacePrivateFile(path, Buffer.from('new'))).rejects.toThrow('is a symbolic link');
    expect(readFileSync(path, 'utf8')).toBe('x');
    expect(readdirSync(folder).toSorted()).toEqual(['file', 'other']);
  });

  test('in a folder that is not there is an error that says so', async () => {
    path = join(folder, 'none', 'file');

    await expect(replacePrivateFile(path, Buffer.from('new'))).rejects.toThrow(
      `${path} cannot be written: ENOENT`,
    );
  });

  test('in a folder that goes as soon as it is there is no trouble', async () => {
    let written = '';
    await writePrivateFileBeside(path, Buffer.from('x'), (temporary) => {
      written = readFileSync(temporary, 'utf8');
      rmSync(folder, { recursive: true });
      return Promise.resolve();
    });

    expect(written).toBe('x');
  });

  test('because it does not open keeps its name, with the time', () => {
    expect(asideName('/x/.auth_cache', Date.UTC(2030, 0, 2, 3, 4, 5, 6))).toBe(
      '/x/.auth_cache.corrupt-2030-01-02T03-04-05-006Z',
    );
  });
});

describe('what a killed writer left', () => {
  const leave = (name: string, ageMs: number): void => {
    const left = join(folder, name);
    writeFileSync(left, '');
    const atSeconds = (1_000_000_000_000 - ageMs) / 1_000;
    utimesSync(left, atSeconds, atSeconds);
  };

  test('is removed when it is over a minute old, and nothing else is', () => {
    const beside = basename(temporaryName(path));
    expect(beside).toMatch(/^file\.tmp-[0-9a-f]{12}$/);
    leave(beside, 61_000);
    leave('file.tmp-young', 60_000);
    leave('file', 61_000);
    leave('other.tmp-old', 61_000);
    mkdirSync(join(folder, 'file.tmp-folder'));
    sweepTemporaries(path, 1_000_000_000_000);

    expect(readdirSync(folder).toSorted()).toEqual([
      'file',
      'file.tmp-folder',
      'file.tmp-young',
      'other.tmp-old',
    ]);
  });

  test('in a folder that is gone is no trouble', () => {
    sweepTemporaries(join(folder, 'none', 'file'), 0);
  });
});

test.each([
  ['ENOSPC', 'the disk is full: free some space'],
  ['EDQUOT', 'the disk quota is used up: free some space'],
  ['EROFS', 'the file system is read-only: set KM_CONFIG_DIR to a folder that can be written'],
  ['EACCES', 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR'],
  ['EPERM', 'permission is missing: give the folder back to its user with mode 700, or set KM_CONFIG_DIR'],
  ['ENOTDIR', 'a part of the path is not a folder: set KM_CONFIG_DIR to one'],
  ['EIO', 'what the system said'],
  [undefined, 'what the system said'],
])('trouble with the disk, %s, is said so that its reader can mend it', (code, said) => {
  const cause = Object.assign(new Error('what the system said'), code !== undefined && { code });

  expect(storageError('written', '/x', cause)).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: `/x cannot be written: ${said}`,
    cause,
  });
});

test('what is no error of the file system has no code, and is said as it is', () => {
  const odd = [Object.assign(new Error('odd'), { code: 7 }), new Error('odd'), { code: 'EIO' }, 'odd'];

  expect(odd.map(errnoOf)).toEqual([undefined, undefined, undefined, undefined]);
  expect(storageError('read', '/x', 'odd').message).toBe('/x cannot be read: odd');
});

test('what is not used is an error of the cache that says why', () => {
  expect(refuse('/x', 'is a link')).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: '/x is a link; it is not used: remove it, or give it back to its user',
  });
  expect(newerVersion('/x', 2)).toMatchObject({
    code: 'KM_AUTH_CACHE',
    message: expect.stringMatching(/^\/x was written by a newer version \(format 2\)/) as string,
  });
});
