import type { CacheNotice, CacheNoticeListener } from '../../cache-notice.js';
import { lazily, madeOnce } from '../../lazily.js';
import type { TokenCache } from '../../ports.js';
import { tellListener } from '../../tell-listener.js';
import { redisSettings, type RedisCacheOptions } from './redis-settings.js';
import type { RedisStorage } from './redis-storage.js';

/** A cache in Redis, shared by everybody who has its address and its key. */
export type RedisCache = TokenCache &
  RedisStorage & {
    readonly kind: 'redis';
    /** Where it is, for people: without user and password. */
    readonly address: string;
    /** Where its key comes from. */
    keySource(): 'environment';
  };

const loadStorage = lazily(() => import('./redis-storage.js'));

/**
 * Keeps tokens, logins and their locks in Redis 6.2 or newer, for programs on several machines that share one login.
 * Everything is sealed with AES-256-GCM before it leaves this process. Needs the package `ioredis`, which is loaded, and
 * Redis asked, only when the cache is used first.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when the URL or the key is none.
 */
export function createRedisCache(options: RedisCacheOptions): RedisCache {
  const settings = redisSettings(options);
  const listeners = new Set<CacheNoticeListener>();
  const told = new Map<string, CacheNotice>();
  const tell: CacheNoticeListener = (notice) => {
    // What does not open is found at each look, and told once.
    if (told.has(notice.message)) return;
    told.set(notice.message, notice);
    for (const listener of [...listeners]) tellListener(listener, notice);
  };
  const openOnce = madeOnce(async () => (await loadStorage()).openRedisStorage(settings, tell));
  let opened: Promise<RedisStorage> | undefined;
  const open = (): Promise<RedisStorage> => (opened = openOnce());
  return {
    kind: 'redis',
    address: settings.address.label,
    keySource: () => 'environment',
    lockOwner: async (key) => (await open()).lockOwner(key),
    evictionPolicy: async () => (await open()).evictionPolicy(),
    logins: {
      get: async (profile) => (await open()).logins.get(profile),
      set: async (login, endedOf) => (await open()).logins.set(login, endedOf),
      remove: async (profile) => (await open()).logins.remove(profile),
      list: async () => (await open()).logins.list(),
      end: async (profile, endedOf) => (await open()).logins.end(profile, endedOf),
      listEnded: async () => (await open()).logins.listEnded(),
      forget: async (grant) => (await open()).logins.forget(grant),
    },
    getGrant: async (key) => (await open()).getGrant(key),
    updateGrant: async (key, change) => (await open()).updateGrant(key, change),
    listGrants: async () => (await open()).listGrants(),
    withLock: async (key, task, waiting) => (await open()).withLock(key, task, waiting),
    subscribe(listener) {
      listeners.add(listener);
      for (const notice of told.values()) tellListener(listener, notice);
      return () => {
        listeners.delete(listener);
      };
    },
    close() {
      // Whoever asked is told why it could not be opened.
      opened?.then(
        (storage) => storage.close(),
        () => undefined,
      );
    },
  };
}
