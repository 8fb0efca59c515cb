import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type * as FileSystem from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GenerationLock } from '../src/caches/file/generation-lock.js';
import type { HeldLock } from '../src/caches/file/held-generation.js';
import { ownIdentity, readOwnIdentity } from '../src/caches/file/process-identity.js';
import type { Clock } from '../src/index.js';

/** The steps at which a test stops one process and lets another run. */
const steps = vi.hoisted(() => ({
  afterLink: undefined as ((path: string) => void) | undefined,
  failReaddir: false,
}));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  return {
    ...fs,
    linkSync: (from: string, to: string) => {
      fs.linkSync(from, to);
      steps.afterLink?.(to);
    },
    readdirSync: ((...args: Parameters<typeof fs.readdirSync>) => {
      if (steps.failReaddir) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
      return fs.readdirSync(...args);
    }) as typeof fs.readdirSync,
  };
});

const ELSEWHERE = { pid: 7, startTicks: '1', pidNamespace: 'pid:[1]', bootId: 'another', host: 'elsewhere' };
const A_GENERATION = /^\d+$/;
let folder: string;
let elapsedMs: number;
/** Called once, between the first look at the folder and what is made of it. */
let afterScan: (() => void) | undefined;
let readings: number;

const clock: Clock = {
  nowMs: () => Date.UTC(2030, 0, 1) + elapsedMs,
  monotonicMs: () => {
    readings += 1;
    // The first reading is before the look at the folder, the second one after it.
    if (readings === 2) afterScan?.();
    return elapsedMs;
  },
  schedule(callback, delayMs, keepsAlive) {
    if (!keepsAlive) return () => undefined;
    elapsedMs += delayMs;
    setImmediate(callback);
    return () => undefined;
  },
};

function newLock(): GenerationLock {
  return new GenerationLock({ folder, clock, random: () => 0.5, what: 'profile default' });
}

function acquire(timeoutMs = 1_000): Promise<HeldLock> {
  return newLock().acquire({ timeoutMs });
}

function put(generation: string, content: unknown): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, generation), content === undefined ? '' : JSON.stringify(content));
}

function generations(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => A_GENERATION.test(name))
    .sort();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-lock-'));
  elapsedMs = 0;
  afterScan = undefined;
  readings = 0;
});

afterEach(async () => {
  steps.afterLink = undefined;
  steps.failReaddir = false;
  await rm(folder, { recursive: true, force: true });
});

describe('a process that is stopped', () => {
  test('between its look at the folder and its link does not take a lock that changed hands twice', async () => {
    put('0000000001', undefined);
    afterScan = () => {
      rmSync(join(folder, '0000000001'));
      put('0000000003', ownIdentity());
    };

    await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    expect(generations()).toEqual(['0000000003']);
  });

  test('between its link and its second look gives way to who followed it', async () => {
    steps.afterLink = (path) => {
      steps.afterLink = undefined;
      rmSync(path);
      put('0000000002', ownIdentity());
    };

    await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    expect(generations()).toEqual(['0000000002']);
  });

  test('after its link, and whose file was removed, does not make the lock free when it lets go', async () => {
    const first = await acquire();
    rmSync(join(folder, '0000000001'));
    put('0000000002', ownIdentity());

    await first.release();

    expect(readFileSync(join(folder, '0000000002'), 'utf8')).not.toBe('');
    await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
  });

  test('before its link takes nothing in a folder that was removed and made anew', async () => {
    put('0000000008', undefined);
    afterScan = () => {
      rmSync(folder, { recursive: true });
      put('0000000001', ownIdentity());
    };

    await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
    expect(generations()).toEqual(['0000000001']);
  });
});

test('of two who want the same generation one gets it, and the other waits', async () => {
  const entered: string[] = [];
  const run = async (name: string): Promise<void> => {
    const held = await acquire(60_000);
    entered.push(`${name} in`);
    await new Promise(setImmediate);
    entered.push(`${name} out`);
    await held.release();
  };

  await Promise.all(Array.from({ length: 12 }, (_, index) => run(String(index))));

  const pairs = Array.from({ length: 12 }, (_, index) => entered.slice(2 * index, 2 * index + 2));
  for (const [first = '', second] of pairs) expect(second).toBe(first.replace('in', 'out'));
});

test('a failure after the link leaves the lock free, not held by a process that lives and does not know it', async () => {
  steps.afterLink = () => {
    steps.failReaddir = true;
  };
  await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
  steps.afterLink = undefined;
  steps.failReaddir = false;

  const held = await acquire();

  expect(elapsedMs).toBe(0);
  await held.release();
});

test('a killed owner whose temporary file is still there is followed', async () => {
  put('0000000001', { ...ownIdentity(), startTicks: 'long ago' });
  put('owner.tmp-0123456789ab', { ...ownIdentity(), startTicks: 'long ago' });

  await (await acquire()).release();

  expect(generations()).toEqual(['0000000002']);
});

test.each([['garbage'], ['{"pid":-1}'], ['null'], ['{"pid":1']])(
  'an owner file that says %j holds nothing',
  async (text) => {
    writeFileSync(join(folder, '0000000004'), text);
    await (await acquire()).release();
    expect(generations()).toEqual(['0000000005']);
  },
);

test.each([
  ['a link that leads nowhere', () => symlinkSync('nowhere', join(folder, '0000000004'))],
  ['a link to a file', () => symlinkSync('/etc/hostname', join(folder, '0000000004'))],
  ['a folder', () => mkdirSync(join(folder, '0000000004'))],
])('%s in place of an owner file holds nothing', async (_what, put) => {
  put();
  await (await acquire()).release();
  expect(generations().at(-1)).toBe('0000000005');
});

test('numbers that outgrow ten digits still exclude', async () => {
  put('9999999999', undefined);
  const held = await acquire();

  await expect(acquire()).rejects.toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT' });
  await held.release();
  await (await acquire()).release();
});

describe('an owner of whose process nothing can be known', () => {
  test('is followed when its heartbeat stood still for 4 s of watching', async () => {
    put('0000000001', ELSEWHERE);
    await (await acquire(60_000)).release();
    expect(elapsedMs).toBeGreaterThanOrEqual(4_000);
    expect(elapsedMs).toBeLessThan(4_500);
  });

  test('is not followed by a waiter that was itself stopped for an hour', async () => {
    put('0000000001', ELSEWHERE);
    let looks = 0;
    const stopped: Clock = {
      ...clock,
      monotonicMs: () => {
        looks += 1;
        if (looks === 4) elapsedMs += 3_600_000;
        return elapsedMs;
      },
    };
    const lock = new GenerationLock({ folder, clock: stopped, random: () => 0.5, what: 'profile default' });

    await expect(lock.acquire({ timeoutMs: 3_000_000 })).rejects.toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
    });
  });
});

test('where /proc belongs to another pid namespace, processes are judged by their heartbeat alone', () => {
  const proc = new Map([
    ['/proc/self', '4711'],
    ['/proc/self/ns/pid', 'pid:[4026531836]'],
  ]);
  const read = (pid: number): string | undefined =>
    readOwnIdentity({ pid, readLink: (path) => proc.get(path) ?? '' }).pidNamespace;

  expect(read(4711)).toBe('pid:[4026531836]');
  expect(read(2)).toBeUndefined();
});
