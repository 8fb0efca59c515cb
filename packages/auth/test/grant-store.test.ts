import { describe, expect, test } from 'vitest';
import {
  AuthError,
  AuthToken,
  createMemoryCache,
  Secret,
  type AuthEvent,
  type CacheNoticeListener,
  type GrantRecord,
  type TokenCache,
} from '../src/index.js';
import { EventPublisher } from '../src/event-publisher.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { GrantStore } from '../src/grant-store.js';
import { fakeClock } from './support/fake-clock.js';
import { KEYED, outcomeOf } from './support/setup.js';

const TOKEN = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: 1 });
const counting = (record: GrantRecord): GrantRecord => ({
  ...record,
  unexplainedRequestsAtMs: [...record.unexplainedRequestsAtMs, record.unexplainedRequestsAtMs.length],
});
const having = (record: GrantRecord): GrantRecord => ({ ...record, tokens: new Map([['a', TOKEN]]) });

/** A store on a cache of which a test says what it can, and whether it can be read and written. */
function world(more: Partial<TokenCache> = {}) {
  const clock = fakeClock();
  const events = new EventPublisher('default', clock);
  const told: Partial<AuthEvent>[] = [];
  events.subscribe(({ profile: _profile, atMs: _atMs, ...event }) => told.push(event));
  const disk = { canRead: true, canWrite: true };
  const memory = createMemoryCache({ clock });
  const fails = (): Promise<never> => Promise.reject(new Error('the disk is gone'));
  const store = new GrantStore(
    {
      ...memory,
      getGrant: (key) => (disk.canRead ? memory.getGrant(key) : fails()),
      updateGrant: (key, change) => (disk.canWrite ? memory.updateGrant(key, change) : fails()),
      ...more,
    },
    KEYED,
    events,
    clock,
  );
  const counted = async (): Promise<number> => (await store.read()).unexplainedRequestsAtMs.length;
  return { store, clock, memory, disk, told, counted };
}

const FAILED_WRITE = { type: 'cache.failed', operation: 'write', message: 'the disk is gone' };

describe('a cache that cannot be written', () => {
  test('keeps its changes in memory, told once, and has them stored when it can be again', async () => {
    const { store, memory, disk, told, counted } = world();
    disk.canWrite = false;
    expect([await store.update(counting), await store.update(counting)]).toEqual([false, false]);
    expect([await counted(), store.hasUnstored]).toEqual([2, true]);
    expect(await store.flush()).toBe(false);
    disk.canWrite = true;
    expect(await store.update(counting)).toBe(true);
    expect(told).toEqual([FAILED_WRITE, { type: 'cache.recovered' }]);
    expect((await memory.getGrant(KEYED))?.unexplainedRequestsAtMs).toEqual([0, 1, 2]);
    expect([store.hasUnstored, await store.flush()]).toEqual([false, true]);
    expect(told).toHaveLength(2);
  });

  test('keeps the last change about the same, and every one of those that are about nothing', async () => {
    const { store, disk, counted } = world();
    disk.canWrite = false;
    for (const subject of ['a', 'a', 'b', undefined, 'a', 'b', undefined])
      await store.update(counting, subject);
    expect(await counted()).toBe(4);
    disk.canWrite = true;
    await store.flush();

    expect(await counted()).toBe(4);
  });

  test('forgets a note that it cannot take', async () => {
    const { store, disk, told, counted } = world();
    disk.canWrite = false;
    expect(await store.note(counting)).toBe(false);
    disk.canWrite = true;

    expect([await counted(), store.hasUnstored]).toEqual([0, false]);
    expect(told).toEqual([FAILED_WRITE]);
  });

  test('takes a note after what could not be stored before it, or not at all', async () => {
    const { store, memory, disk, counted } = world();
    disk.canWrite = false;
    await store.update(having);
    expect(await store.note(counting)).toBe(false);
    expect(await counted()).toBe(0);
    disk.canWrite = true;
    expect(await store.note(counting)).toBe(true);

    expect(await memory.getGrant(KEYED)).toEqual(counting(having(EMPTY_GRANT)));
  });

  test('tells a change that it makes again what has become of the login since', async () => {
    const { store, memory, disk } = world();
    const login = { ...EMPTY_GRANT, refreshToken: { secret: new Secret('r'), issuedAtMs: 1 } };
    const told: unknown[] = [];
    disk.canWrite = false;
    await store.update((record, { isLate, isGone }) => {
      told.push([isLate, isGone]);
      return record;
    });
    // A storage that lost all it had, or had nothing yet, is not one from which a login was removed.
    for (const stored of [undefined, login, undefined]) {
      await memory.updateGrant(KEYED, () => stored);
      await store.read();
    }
    // Nor is one that cannot be read.
    disk.canRead = false;
    await store.read();
    disk.canWrite = true;
    await store.flush();

    const [atFirst, late, gone] = [
      [false, false],
      [true, false],
      [true, true],
    ];
    expect(told).toEqual([late, late, gone, atFirst, gone]);
    expect(await memory.getGrant(KEYED)).toBeUndefined();
  });

  test('has no lock to give: the task runs without, and knows that', async () => {
    const { store, told } = world({ withLock: () => Promise.reject(new Error('the disk is gone')) });

    expect(await store.transact((hasLock) => Promise.resolve(hasLock))).toBe(false);
    expect(told).toEqual([FAILED_WRITE]);
  });
});

test('a task without a lock waits for another of this process, at most as long as for the lock', async () => {
  const { store, clock } = world({ withLock: () => Promise.reject(new Error('the disk is gone')) });
  let end: () => void = () => undefined;
  const first = store.transact(() => new Promise<void>((resolve) => (end = resolve)));
  const late = outcomeOf(store.transact(() => Promise.resolve('ran')));
  await clock.advance(60_000);
  const second = store.transact(() => Promise.resolve('ran'));
  await clock.advance(60_000);
  expect(await late).toMatchObject({ code: 'KM_AUTH_LOCK_TIMEOUT', isRetryable: true });
  end();

  await first;
  expect(await second).toBe('ran');
});

describe('a task under the lock', () => {
  test('does not run while another process holds that for too long', async () => {
    const timeout = new AuthError('KM_AUTH_LOCK_TIMEOUT', 'held for too long');
    const { store, told } = world({ withLock: () => Promise.reject(timeout) });

    await expect(store.transact(() => Promise.resolve('ran'))).rejects.toBe(timeout);
    expect(told).toEqual([]);
  });

  test('runs once, whatever becomes of the lock', async () => {
    let runs = 0;
    const { store } = world({
      withLock: async (_key, task) => {
        await task();
        throw new Error('the disk is gone');
      },
    });
    const ran = await store.transact((hasLock) => {
      runs += 1;
      return Promise.resolve(hasLock);
    });

    expect([ran, runs]).toEqual([true, 1]);
  });
});

describe('a cache that cannot be read', () => {
  test('counts as an empty one, which is told each time that it begins', async () => {
    const { store, disk, told } = world();
    await store.update(counting);
    for (const isReadable of [false, false, true, false]) {
      disk.canRead = isReadable;
      expect(await store.read()).toEqual(isReadable ? counting(EMPTY_GRANT) : EMPTY_GRANT);
      expect(store.trouble.isReadable).toBe(isReadable);
    }

    const failed = { type: 'cache.failed', operation: 'read', message: 'the disk is gone' };
    expect(told).toEqual([failed, failed]);
  });
});

describe('the tokens alone', () => {
  const theirs = new Map([['theirs', TOKEN]]);

  test('are read as the cache can do it with less work', async () => {
    const { store } = world({ getTokens: () => Promise.resolve(theirs) });

    expect(await store.readTokens()).toBe(theirs);
  });

  test('are those of the grant where the cache cannot; not known, where that cannot be read', async () => {
    const { store, disk } = world();
    await store.update(having);
    expect([...((await store.readTokens()) ?? [])]).toEqual([['a', TOKEN]]);
    disk.canRead = false;

    expect(await store.readTokens()).toBeUndefined();
    expect(await store.look()).toEqual({ record: EMPTY_GRANT, isRead: false });
  });

  test('are read with what could not be stored', async () => {
    const { store, disk } = world({ getTokens: () => Promise.resolve(theirs) });
    disk.canWrite = false;
    await store.update(having);

    expect([...((await store.readTokens()) ?? [])].map(([key]) => key)).toEqual(['a']);
  });

  test('are not known where they cannot be read, which is told, also when another read works at the same time', async () => {
    const { store, told } = world({ getTokens: () => Promise.reject(new Error('the disk is gone')) });

    expect(await Promise.all([store.readTokens(), store.look()])).toEqual([
      undefined,
      { record: EMPTY_GRANT, isRead: true },
    ]);
    expect(told).toEqual([{ type: 'cache.failed', operation: 'read', message: 'the disk is gone' }]);
  });
});

test('what a cache has put right, and what does not open any more, is told', () => {
  let tell: CacheNoticeListener = () => undefined;
  const { store, told } = world({
    subscribe: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  tell({ kind: 'repaired', message: 'it is 600 now' });
  expect(store.trouble.isDamaged).toBe(false);
  tell({ kind: 'corrupt', message: 'it does not open' });
  expect(store.trouble.isDamaged).toBe(true);
  expect(told).toEqual([
    { type: 'cache.repaired', message: 'it is 600 now' },
    { type: 'cache.corrupt', message: 'it does not open' },
    { type: 'security.event', reason: 'cache-tampered', message: 'it does not open' },
  ]);
});
