import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type * as FileSystem from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { headOf, isUntouched, type Head } from '../src/caches/file/generation-files.js';
import { GenerationLock } from '../src/caches/file/generation-lock.js';
import { holdGeneration, LockLostError } from '../src/caches/file/held-generation.js';
import { ownIdentity } from '../src/caches/file/process-identity.js';
import { fakeClock } from './support/fake-clock.js';

/** What other processes, or the disk, do at these steps. */
const steps = vi.hoisted(() => ({
  list: (names: readonly string[]): readonly string[] => names,
  beforeLink: (_from: string): void => undefined,
  afterLink: (): void => undefined,
}));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  return {
    ...fs,
    linkSync: (from: string, to: string) => {
      steps.beforeLink(from);
      fs.linkSync(from, to);
      steps.afterLink();
    },
    readdirSync: (path: string) => steps.list(fs.readdirSync(path)),
  };
});

let folder: string;
const plainSteps = { ...steps };
const put = (generation: number, owner: unknown): void => {
  writeFileSync(
    join(folder, String(generation).padStart(10, '0')),
    owner === undefined ? '' : JSON.stringify(owner),
  );
};
const newLock = (): GenerationLock =>
  new GenerationLock({ folder, clock: fakeClock(), random: () => 0.5, what: 'profile default' });
const tryAcquire = () => newLock().acquire({ timeoutMs: 0 });
const held = (): Promise<unknown> =>
  expect(tryAcquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-lock-files-'));
});
afterEach(() => {
  Object.assign(steps, plainSteps);
  rmSync(folder, { recursive: true, force: true });
});

describe('the files of a lock', () => {
  test('are the owner’s alone, which says who that is, and is empty when it has let go', async () => {
    const beside: string[] = [];
    steps.beforeLink = (from) => beside.push(dirname(from), basename(from));
    const lock = await tryAcquire();
    const file = join(folder, '0000000001');

    expect(beside).toEqual([folder, expect.stringMatching(/^owner\.tmp-/)]);
    expect(readdirSync(folder)).toEqual(['0000000001']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(ownIdentity());
    if ('release' in lock) await lock.release();
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  test('leave the lock with the highest of them', async () => {
    put(1, undefined);
    put(2, ownIdentity());
    expect(newLock().owner()).toContain(String(process.pid));
    put(3, undefined);

    expect(newLock().owner()).toBeUndefined();
  });

  test('are swept of those before, and of what killed owners left', async () => {
    put(1, undefined);
    put(2, undefined);
    writeFileSync(join(folder, 'owner.tmp-0123456789ab'), '');
    await tryAcquire();

    expect(readdirSync(folder)).toEqual(['0000000003']);
  });

  test('are looked at again when one goes as it is looked at', async () => {
    put(1, undefined);
    steps.list = (names) => {
      steps.list = plainSteps.list;
      rmSync(join(folder, '0000000001'));
      put(2, ownIdentity());
      return names;
    };

    await held();
    expect(readdirSync(folder)).toEqual(['0000000002']);
  });

  test.each([
    ['one is listed that is never there', 'ENOENT', () => (steps.list = () => ['0000000009'])],
    [
      'the folder cannot be listed',
      'too many open files',
      () =>
        (steps.list = () => {
          throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
        }),
    ],
  ])('cannot be used where %s', async (_what, why, happen) => {
    happen();

    await expect(tryAcquire()).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(`cannot be read: ${why}`) as string,
    });
  });

  test('cannot be used where something that is no file cannot be opened', async () => {
    const path = join(folder, '0000000001');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));

    await expect(tryAcquire()).rejects.toThrow(`${path} cannot be read: ENXIO`);
    await new Promise((resolve) => server.close(resolve));
  });
});

test('the highest file is as it was until its heart beats, its owner lets it go, or it is gone', () => {
  const path = join(folder, '0000000001');
  const seen = (): Head => headOf(folder) ?? expect.unreachable();
  writeFileSync(path, JSON.stringify(ownIdentity()));
  const { atimeMs, mtimeMs } = statSync(path);
  const head = seen();
  expect(isUntouched(folder, head)).toBe(true);

  utimesSync(path, atimeMs / 1_000, mtimeMs / 1_000 + 1);
  expect(isUntouched(folder, head)).toBe(false);
  const later = seen();
  truncateSync(path);
  utimesSync(path, atimeMs / 1_000, mtimeMs / 1_000 + 1);
  expect(isUntouched(folder, later)).toBe(false);
  const empty = seen();
  expect(isUntouched(folder, empty)).toBe(true);
  rmSync(path);
  expect(isUntouched(folder, empty)).toBe(false);
});

describe('a process that links its file', () => {
  test('as another has just linked the same one waits for that other', async () => {
    steps.beforeLink = () => {
      steps.beforeLink = plainSteps.beforeLink;
      put(1, ownIdentity());
    };

    await held();
    expect(readdirSync(folder)).toEqual(['0000000001']);
  });

  test('after the lock has been taken on gives way, though the file before its own is there', async () => {
    put(1, undefined);
    steps.afterLink = () => {
      steps.afterLink = plainSteps.afterLink;
      put(3, ownIdentity());
    };

    await held();
    expect(readdirSync(folder)).toEqual(['0000000001', '0000000003']);
  });

  test('where there are no links says why, and leaves nothing', async () => {
    steps.beforeLink = () => {
      throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
    };

    await expect(tryAcquire()).rejects.toThrow(`${folder} cannot be written: permission is missing`);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('an owner', () => {
  const hold = (isHighest: () => boolean) => {
    const fd = openSync(join(folder, 'owner'), 'w+');
    const clock = fakeClock();
    return { fd, clock, lock: holdGeneration(fd, clock, isHighest) };
  };

  test('that was followed does nothing any more, and says why', async () => {
    let isHighest = true;
    const { lock } = hold(() => isHighest);
    await lock.assertOurs();
    isHighest = false;

    await expect(lock.assertOurs()).rejects.toThrow(LockLostError);
    await expect(lock.assertOurs()).rejects.toMatchObject({
      code: 'KM_AUTH_CACHE',
      message: expect.stringMatching(/stood still, .* nothing was written; try again$/) as string,
    });
    await lock.release();
  });

  test('shows every second that it lives, and keeps no process alive by that', async () => {
    const { fd, clock, lock } = hold(() => true);
    for (const seconds of [1, 2, 3]) {
      await clock.advance(1_000);
      expect(fstatSync(fd).mtimeMs).toBe(clock.nowMs());
      expect(clock.timers()).toMatchObject([{ atMs: (seconds + 1) * 1_000, keepsAlive: false }]);
    }
    await lock.release();

    expect(clock.timers()).toEqual([]);
  });

  test('whose file cannot be touched goes on trying', async () => {
    const { fd, clock } = hold(() => true);
    closeSync(fd);
    await clock.advance(2_500);

    expect(clock.timers()).toHaveLength(1);
  });

  test('that has let go has closed its file', async () => {
    const { fd, lock } = hold(() => true);
    await lock.release();

    expect(() => fstatSync(fd)).toThrow('EBADF');
  });
});
