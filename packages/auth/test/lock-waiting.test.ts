import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuthError, TokenRequestError, type Clock } from '../src/index.js';
import { GenerationLock } from '../src/caches/file/generation-lock.js';
import { LockLostError, type HeldLock } from '../src/caches/file/held-generation.js';
import { ownIdentity } from '../src/caches/file/process-identity.js';

let folder: string;
let nowMs: number;
let waits: number[];

/** A clock that has run for an hour, and on which each wait passes at once. */
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  schedule(callback, delayMs, keepsAlive) {
    if (!keepsAlive) return () => undefined;
    waits.push(delayMs);
    nowMs += delayMs;
    setImmediate(callback);
    return () => undefined;
  },
};

const newLock = (random = 0.5): GenerationLock =>
  new GenerationLock({ folder, clock, random: () => random, what: 'profile default' });

function put(generation: number, owner: unknown): void {
  mkdirSync(folder, { recursive: true });
  const name = String(generation).padStart(10, '0');
  writeFileSync(join(folder, name), owner === undefined ? '' : JSON.stringify(owner));
}

async function acquire(): Promise<HeldLock> {
  const held = await newLock().acquire({ timeoutMs: 1_000 });
  if (!('release' in held)) throw new Error('unreachable');
  return held;
}

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'km-lock-waiting-')), 'lock');
  nowMs = 3_600_000;
  waits = [];
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

describe('a process that waits for a lock', () => {
  test('looks less and less often, down to every 40 ms, and a little apart from others', async () => {
    put(1, ownIdentity());
    for (const [random, first] of [
      [0.5, [4, 8, 16, 32, 40, 40]],
      [0, [2, 4, 8, 16, 20, 20]],
      [1, [6, 12, 24, 48, 60, 60]],
    ] as const) {
      waits = [];
      await newLock(random)
        .acquire({ timeoutMs: 1_000 })
        .catch(() => undefined);
      expect(waits.slice(0, 6)).toEqual(first);
    }
  });

  test('gives up when its time is over, and says who has it, for how long, and what to do', async () => {
    put(1, ownIdentity());

    await expect(newLock().acquire({ timeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
      message: `process ${String(process.pid)} on ${ownIdentity().host} has held the lock of profile default for more than 2 s (${folder}); try again later, or end that process`,
    });
    expect(nowMs - 3_600_000).toBeGreaterThanOrEqual(2_000);
    expect(nowMs - 3_600_000).toBeLessThan(2_050);
  });

  test('asks for what would end its wait from the second look on', async () => {
    const asked: number[] = [];
    const unless = (): Promise<string | undefined> => {
      asked.push(nowMs - 3_600_000);
      return Promise.resolve(asked.length === 3 ? 'theirs' : undefined);
    };
    put(1, undefined);
    const held = await newLock().acquire({ timeoutMs: 1_000, unless });
    expect(asked).toEqual([]);

    expect(await newLock().acquire({ timeoutMs: 1_000, unless })).toEqual({ instead: 'theirs' });
    expect(asked).toEqual([4, 12, 28]);
    if ('release' in held) await held.release();
  });

  test('has it with its next look once the owner lets it go', async () => {
    const held = await acquire();
    let looks = 0;
    const unless = async (): Promise<undefined> => {
      looks += 1;
      if (looks === 3) await held.release();
    };

    expect(await newLock().acquire({ timeoutMs: 1_000, unless })).toHaveProperty('release');
    expect(looks).toBe(4);
  });

  test('has it 100 ms and a look after the owner has died, who can let nothing go', async () => {
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const died = once(owner, 'exit');
    const stat = readFileSync(`/proc/${String(owner.pid)}/stat`, 'utf8');
    put(1, {
      ...ownIdentity(),
      pid: owner.pid,
      startTicks: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
      // This test may run in a thread.
      thread: undefined,
    });
    let diedAtMs = 0;
    const unless = async (): Promise<undefined> => {
      if (diedAtMs > 0 || nowMs < 3_600_250) return;
      owner.kill('SIGKILL');
      await died;
      diedAtMs = nowMs;
    };

    expect(await newLock().acquire({ timeoutMs: 10_000, unless })).toHaveProperty('release');
    expect(nowMs - diedAtMs).toBeLessThanOrEqual(140);
  });
});

describe('work under a lock', () => {
  test('is handed on, with the lock held meanwhile and free after', async () => {
    const lock = newLock();
    const owners: (string | undefined)[] = [];
    const done = await lock.hold(1_000, async ({ isOurs }) => {
      owners.push(lock.owner());
      return isOurs();
    });
    owners.push(lock.owner());

    expect(done).toBe(true);
    expect(owners).toEqual([`process ${String(process.pid)} on ${ownIdentity().host}`, undefined]);
  });

  test('that lost its lock on the way is done again, three times in all', async () => {
    const tries = async (losses: number): Promise<readonly unknown[]> => {
      let runs = 0;
      const task = (): Promise<string> => {
        runs += 1;
        return runs <= losses ? Promise.reject(new LockLostError()) : Promise.resolve('done');
      };
      const outcome = await newLock()
        .hold(1_000, task)
        .catch((error: unknown) => error instanceof LockLostError);
      return [outcome, runs];
    };

    expect(await tries(2)).toEqual(['done', 3]);
    expect(await tries(3)).toEqual([true, 3]);
    expect(newLock().owner()).toBeUndefined();
  });

  test.each([
    new Error('its own trouble'),
    new AuthError('KM_AUTH_CACHE', 'the disk is full'),
    new TokenRequestError('KM_AUTH_UNREACHABLE', 'no answer', {}),
  ])('that fails in another way is done once: %s', async (failure) => {
    let runs = 0;
    const failed = newLock().hold(1_000, () => {
      runs += 1;
      return Promise.reject(failure);
    });

    await expect(failed).rejects.toBe(failure);
    expect([runs, newLock().owner()]).toEqual([1, undefined]);
  });

  test('is not begun while another has the lock', async () => {
    const held = await acquire();

    await expect(newLock().hold(100, () => Promise.resolve('begun'))).rejects.toMatchObject({
      code: 'KM_AUTH_LOCK_TIMEOUT',
    });
    await held.release();
  });
});

describe('the owner of a lock', () => {
  test('is nobody where there is none, where it has let go, and where it is dead', () => {
    expect(newLock().owner()).toBeUndefined();
    put(1, undefined);
    expect(newLock().owner()).toBeUndefined();
    put(2, { ...ownIdentity(), startTicks: '1' });
    expect(newLock().owner()).toBeUndefined();
  });

  test('stays so when one that came before it shows up late', async () => {
    put(1, undefined);
    const held = await acquire();
    put(1, undefined);

    expect(await held.isOurs()).toBe(true);
    put(3, undefined);
    expect(await held.isOurs()).toBe(false);
  });
});
