import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ensurePrivateFolder,
  inspectPrivateFolder,
  makePrivateFolder,
} from '../src/caches/file/private-folder.js';

let root: string;
const modeOf = (path: string): number => statSync(path).mode & 0o777;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'km-private-folder-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('a private folder', () => {
  test('is made with those above it, and only its user can enter them', () => {
    const path = join(root, 'a', 'b', 'c');
    ensurePrivateFolder(path);

    expect([path, join(root, 'a', 'b'), join(root, 'a')].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
    ensurePrivateFolder(path);
  });

  test('that others can enter is narrowed, and one that is narrower already stays as it is', () => {
    const [wide, narrow] = [join(root, 'wide'), join(root, 'narrow')];
    mkdirSync(wide);
    chmodSync(wide, 0o750);
    mkdirSync(narrow, 0o500);
    const repairs: string[] = [];
    for (const path of [wide, narrow]) ensurePrivateFolder(path, (message) => repairs.push(message));

    expect(modeOf(wide)).toBe(0o700);
    expect(modeOf(narrow)).toBe(0o500);
    expect(repairs).toEqual([`${wide} could be entered by other users (mode 750): it is 700 now`]);
  });

  test('is not a file of that name', () => {
    const path = join(root, 'file');
    writeFileSync(path, '');

    expect(() => {
      ensurePrivateFolder(path);
    }).toThrow(`${path} is not a folder; it is not used`);
  });

  test.runIf(process.getuid?.() === 0)('of another user is not used, nor touched', () => {
    const path = join(root, 'theirs');
    mkdirSync(path);
    chmodSync(path, 0o755);
    chownSync(path, 12_345, 12_345);

    expect(() => {
      ensurePrivateFolder(path);
    }).toThrow(`${path} belongs to user 12345; it is not used`);
    expect(modeOf(path)).toBe(0o755);
  });

  test.each([
    ['below a file', '/dev/null/km/cache', /cannot be written: a part of the path is not a folder/],
    ['where no folders can be made', '/proc/km/cache', /cannot be written: ENOENT/],
  ])('%s is an error that says why', (_where, path, why) => {
    expect(() => {
      ensurePrivateFolder(path);
    }).toThrow(
      expect.objectContaining({ code: 'KM_AUTH_CACHE', message: expect.stringMatching(why) as string }),
    );
  });

  test('on a disk that is read-only is an error that says so', async () => {
    const mkdir = vi.spyOn(fs, 'mkdirSync').mockImplementation(() => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    });
    syncBuiltinESMExports();
    try {
      await expect(makePrivateFolder(join(root, 'cache'))).rejects.toMatchObject({
        code: 'KM_AUTH_CACHE',
        message: expect.stringContaining('the file system is read-only') as string,
      });
    } finally {
      mkdir.mockRestore();
      syncBuiltinESMExports();
    }
  });

  test('is not made in place of a link that leads nowhere', () => {
    const path = join(root, 'link');
    symlinkSync('nowhere', path);

    expect(() => {
      ensurePrivateFolder(path);
    }).toThrow('ENOENT');
  });
});

describe('a folder that is looked at before it is read', () => {
  test('is narrowed where others can enter it, which is told', () => {
    const path = join(root, 'wide');
    mkdirSync(path);
    chmodSync(path, 0o711);
    const repairs: string[] = [];
    const look = () => {
      inspectPrivateFolder(path, (message) => repairs.push(message));
    };
    look();
    look();

    expect(modeOf(path)).toBe(0o700);
    expect(repairs).toEqual([`${path} could be entered by other users (mode 711): it is 700 now`]);
  });

  test('may not be there, or be something else: whoever reads finds that out', () => {
    const [missing, file] = [join(root, 'missing'), join(root, 'file')];
    writeFileSync(file, '', { mode: 0o644 });
    for (const path of [missing, file, join(file, 'below')]) {
      inspectPrivateFolder(path, expect.unreachable);
    }

    expect(existsSync(missing)).toBe(false);
    expect(modeOf(file)).toBe(0o644);
  });

  test('stays as it is where it cannot be changed', () => {
    const path = join(root, 'wide');
    mkdirSync(path);
    chmodSync(path, 0o755);
    const chmod = vi.spyOn(fs, 'chmodSync').mockImplementation(() => {
      throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
    });
    syncBuiltinESMExports();
    try {
      inspectPrivateFolder(path, expect.unreachable);
      expect(chmod).toHaveBeenCalledOnce();
    } finally {
      chmod.mockRestore();
      syncBuiltinESMExports();
    }
  });

  test.runIf(process.getuid?.() === 0)('is refused where it is another user’s', () => {
    const path = join(root, 'theirs');
    mkdirSync(path, 0o700);
    chownSync(path, 12_345, 12_345);

    expect(() => {
      inspectPrivateFolder(path, expect.unreachable);
    }).toThrow(
      expect.objectContaining({
        code: 'KM_AUTH_CACHE',
        message: expect.stringContaining(`${path} belongs to user 12345; it is not used`) as string,
      }),
    );
  });
});
