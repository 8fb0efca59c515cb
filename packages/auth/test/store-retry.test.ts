import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import {
  AuthToken,
  createAuthManager,
  createMemoryCache,
  Secret,
  type CacheNoticeListener,
  type GrantRecord,
  type TokenCache,
} from '../src/index.js';
import { EventPublisher } from '../src/event-publisher.js';
import { EMPTY_GRANT } from '../src/grant-record.js';
import { GrantStore } from '../src/grant-store.js';
import { fakeClock } from './support/fake-clock.js';
import { KEYED } from './support/setup.js';

const TOKEN = new AuthToken({ value: 't', scopes: [], issuedAtMs: 0, expiresAtMs: 1 });
const WITH_TOKEN: GrantRecord = { ...EMPTY_GRANT, tokens: new Map([['a', TOKEN]]) };
const WITH_LOGIN: GrantRecord = { ...EMPTY_GRANT, refreshToken: { secret: new Secret('r'), issuedAtMs: 1 } };

function storeOn(cache: TokenCache) {
  const clock = fakeClock();
  return { clock, store: new GrantStore(cache, KEYED, new EventPublisher('default', clock), clock) };
}

test.each([
  ['within 5 s where a login is in memory', WITH_LOGIN, 120],
  ['once a minute where none is', WITH_TOKEN, 10],
])('what could not be stored is tried again %s', async (_, record, expected) => {
  let tries = 0;
  const { clock, store } = storeOn({
    ...createMemoryCache(),
    updateGrant: () => {
      tries += 1;
      return Promise.reject(new Error('the disk is gone'));
    },
  });
  await store.update(() => record);
  await clock.advance(120_000);
  tries = 0;
  await clock.advance(600_000);

  expect(tries).toBe(expected);
});

test('a login that is in memory does not wait for the long pause that began without one', async () => {
  const memory = createMemoryCache();
  let isGone = true;
  let tries = 0;
  const { clock, store } = storeOn({
    ...memory,
    updateGrant: (...change) => {
      tries += 1;
      return isGone ? Promise.reject(new Error('the disk is gone')) : memory.updateGrant(...change);
    },
  });
  await store.update(() => WITH_TOKEN);
  await clock.advance(120_000);
  await store.update(() => WITH_LOGIN);
  tries = 0;
  await clock.advance(5_000);
  expect(tries).toBe(1);

  isGone = false;
  await store.flush();
  isGone = true;
  await store.update(() => WITH_LOGIN);
  tries = 0;
  await clock.advance(250);
  expect(tries).toBe(1);
});

test('a cache that throws at once is used again when it is back', async () => {
  const memory = createMemoryCache();
  let isGone = true;
  const unlessGone = <T>(does: () => Promise<T>): Promise<T> => {
    if (isGone) throw new Error('the disk is gone');
    return does();
  };
  const { store } = storeOn({
    ...memory,
    getGrant: (key) => unlessGone(() => memory.getGrant(key)),
    updateGrant: (key, change) => unlessGone(() => memory.updateGrant(key, change)),
  });
  expect(await store.update(() => WITH_TOKEN)).toBe(false);
  isGone = false;

  expect(await store.flush()).toBe(true);
  expect(await memory.getGrant(KEYED)).toEqual(WITH_TOKEN);
});

test('what is stored while the cache is read is not missing in what was read', async () => {
  const memory = createMemoryCache();
  let isGone = true;
  const held: (() => void)[] = [];
  const { store } = storeOn({
    ...memory,
    getGrant: async (key) => {
      const read = await memory.getGrant(key);
      if (!isGone && held.length === 0) await new Promise<void>((resolve) => held.push(resolve));
      return read;
    },
    updateGrant: (...change) =>
      isGone ? Promise.reject(new Error('the disk is gone')) : memory.updateGrant(...change),
  });
  await store.update(() => WITH_TOKEN);
  isGone = false;
  const reading = store.read();
  await store.flush();
  for (const goOn of held) goOn();

  expect(await reading).toEqual(WITH_TOKEN);
});

test('a cache keeps none of the managers that were made with it', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const listeners = new Set<CacheNoticeListener>();
  const cache: TokenCache = {
    ...createMemoryCache(),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const kept = createAuthManager({ cache });
  for (let made = 0; made < 10; made += 1) createAuthManager({ cache });
  expect(listeners.size).toBe(11);
  await expect
    .poll(async () => {
      collectGarbage();
      await delay(0);
      return listeners.size;
    })
    .toBe(1);

  const told: string[] = [];
  kept.subscribe(({ type }) => told.push(type));
  for (const tell of listeners) tell({ kind: 'repaired', message: 'narrowed' });
  expect(told).toEqual(['cache.repaired']);
});
