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
  writeFileSync,
} from 'node:fs';
import type * as FileSystem from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readAt, readPrivateFile } from '../src/caches/file/read-private-file.js';
import { asideName, replacePrivateFile, writePrivateFileBeside } from '../src/caches/file/safe-file.js';

/** Some have no modes of their own: what is changed there stays as it is. */
const disk = vi.hoisted(() => ({ takesModes: true }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  return {
    ...fs,
    fchmodSync: (fd: number, mode: number) => {
      if (disk.takesModes) fs.fchmodSync(fd, mode);
    },
  };
});

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

  test.runIf(process.platform === 'linux')(
    'that cannot be read, or narrowed, is an error that says so',
    () => {
      path = '/proc/self/mem';
      expect(() => read()).toThrow(
        expect.objectContaining({
          code: 'KM_AUTH_CACHE',
          message: expect.stringContaining(`${path} cannot be read: EIO`) as string,
        }),
      );
      path = '/proc/self/status';
      expect(() => read()).toThrow(
        expect.objectContaining({
          code: 'KM_AUTH_CACHE',
          message: expect.stringContaining(
            `${path} cannot be narrowed to mode 600: permission is missing`,
          ) as string,
        }),
      );
      expect(repairs).toEqual([]);
    },
  );

  test('that stays open to others, as on a disk without modes, is read, and that is told once', () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0o640);
    disk.takesModes = false;
    onTestFinished(() => {
      disk.takesModes = true;
    });

    expect([read(), read()]).toEqual(['x', 'x']);
    expect(repairs).toEqual([
      `${path} can be read by other users (mode 640), which its file system does not let us change: keep it on another`,
    ]);
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
