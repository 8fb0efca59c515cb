import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAuthError, type GrantKey, type GrantRecord, type TokenCache } from '../../src/index.js';

/** One storage, empty to begin with. */
export type CacheStorage = {
  /** A cache on this storage. Each one stands for another process, where the storage can be shared by several. */
  readonly open: () => Promise<TokenCache>;
  readonly close?: () => Promise<void>;
};

export type CreateStorage = () => CacheStorage | Promise<CacheStorage>;

const DEFAULT: GrantKey = {
  apiOrigin: 'https://api.kilometers.ai',
  profile: 'default',
  credential: 'key:0123abcd',
};

/** Grants that have much in common, and must not have more. */
export const GRANTS: readonly [GrantKey, GrantKey, ...GrantKey[]] = [
  DEFAULT,
  { ...DEFAULT, profile: 'work' },
  { ...DEFAULT, credential: 'login:' },
  { ...DEFAULT, credential: 'client:a:b/c d:0123abcd' },
  { ...DEFAULT, apiOrigin: 'http://127.0.0.1:4000' },
];

const [KEY, NEIGHBOUR] = GRANTS;

const counted = (record: GrantRecord | undefined): number => record?.unexplainedRequestsAtMs.length ?? 0;
const count = (record: GrantRecord | undefined): GrantRecord => ({
  ...(record ?? { tokens: new Map() }),
  unexplainedRequestsAtMs: [...(record?.unexplainedRequestsAtMs ?? []), counted(record)],
});

/** Somebody who is inside, and stays there until let go. */
async function enterAndStay(cache: TokenCache): Promise<() => Promise<void>> {
  let leave: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  let held: Promise<void> | undefined;
  await new Promise<void>((entered, failed) => {
    const task = (): Promise<void> => {
      entered();
      return left;
    };
    held = cache.withLock(KEY, task, { timeoutMs: 2_000 });
    held.catch(failed);
  });
  return async () => {
    leave();
    await held;
  };
}

/** What the lock of every `TokenCache` keeps. */
export function grantLockContract(name: string, createStorage: CreateStorage): void {
  describe(`the grant lock of a token cache: ${name}`, () => {
    let storage: CacheStorage;
    let cache: TokenCache;

    beforeEach(async () => {
      storage = await createStorage();
      cache = await storage.open();
    });
    afterEach(() => storage.close?.());

    /** Tries to get in from another process, and not for long. */
    const tryToEnter = async (): Promise<unknown> =>
      (await storage.open())
        .withLock(KEY, async () => 'entered', { timeoutMs: 40 })
        .catch((error: unknown) => error);

    test('runs one of fifty tasks at a time under a grant’s lock, and every one of them', async () => {
      const caches = await Promise.all(Array.from({ length: 5 }, () => storage.open()));
      let inside = 0;
      let most = 0;
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          caches[index % 5]!.withLock(
            KEY,
            async () => {
              inside += 1;
              most = Math.max(most, inside);
              await nextTurn();
              await cache.updateGrant(KEY, count);
              inside -= 1;
              return index;
            },
            { timeoutMs: 30_000 },
          ),
        ),
      );

      expect(most).toBe(1);
      expect(results).toEqual(Array.from({ length: 50 }, (_, index) => index));
      expect(counted(await cache.getGrant(KEY))).toBe(50);
    });

    test('locks one grant without locking another', async () => {
      const inner = await cache.withLock(
        KEY,
        () => cache.withLock(NEIGHBOUR, async () => 'inside', { timeoutMs: 2_000 }),
        { timeoutMs: 2_000 },
      );

      expect(inner).toBe('inside');
    });

    test('stays locked for the next one when somebody has given up', async () => {
      const leave = await enterAndStay(cache);
      const outcomes = [await tryToEnter(), await tryToEnter()];
      await leave();

      expect(outcomes.map((outcome) => isAuthError(outcome, 'KM_AUTH_LOCK_TIMEOUT'))).toEqual([true, true]);
    });

    test('is not waited for any longer once a signal says so, and who holds it goes on', async () => {
      const leave = await enterAndStay(cache);
      const ending = new AbortController();
      const other = await storage.open();
      const enter = (): Promise<unknown> =>
        other
          .withLock(KEY, async () => 'entered', { timeoutMs: 600_000, signal: ending.signal })
          .catch((error: unknown) => error);
      const waiting = enter();
      await nextTurn();
      ending.abort(new Error('told to stop'));

      expect(await waiting).toMatchObject({ message: 'told to stop' });
      expect(await enter()).toMatchObject({ message: 'told to stop' });
      expect(isAuthError(await tryToEnter(), 'KM_AUTH_LOCK_TIMEOUT')).toBe(true);
      await leave();
      await nextTurn();
      expect(await enter()).toBe('entered');
    });

    test('frees the lock when a task throws, and hands on what it threw', async () => {
      const failure = new Error('the task’s own trouble');
      const failed = cache.withLock(KEY, () => Promise.reject(failure), { timeoutMs: 2_000 });

      await expect(failed).rejects.toBe(failure);
      expect(await cache.withLock(KEY, async () => 'free', { timeoutMs: 2_000 })).toBe('free');
    });

    test('gives up on a lock that another holds for too long, with an error that says so', async () => {
      const leave = await enterAndStay(cache);
      const outcome = await tryToEnter();

      expect(isAuthError(outcome, 'KM_AUTH_LOCK_TIMEOUT')).toBe(true);
      expect(outcome).toMatchObject({
        isRetryable: true,
        message: expect.stringContaining('lock') as string,
      });
      await leave();
      expect(await tryToEnter()).toBe('entered');
    });
  });
}
