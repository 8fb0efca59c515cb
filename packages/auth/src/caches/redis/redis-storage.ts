import { AsyncLocalStorage } from 'node:async_hooks';
import type { CacheNoticeListener } from '../../cache-notice.js';
import type { GrantKey } from '../../grant-record.js';
import type { LockOptions, TokenCache } from '../../ports.js';
import { grantId } from '../file/grant-codec.js';
import type { LoginStore } from '../../stored-login.js';
import { evictionPolicy } from './eviction-policy.js';
import { RedisConnection } from './redis-connection.js';
import { RedisGrantLock } from './redis-grant-lock.js';
import { RedisGrants } from './redis-grants.js';
import { createRedisLogins } from './redis-logins.js';
import type { RedisSettings } from './redis-settings.js';

/** A lock that the code at hand runs under; `token` is '' once it is released. */
type Held = { readonly id: string; token: string; readonly outer: Held | undefined };

/** What a cache in Redis does once it is needed. */
export type RedisStorage = Omit<TokenCache, 'kind' | 'subscribe'> & {
  /** Who holds the lock of a grant now, in words; `undefined` when nobody does. */
  lockOwner(key: GrantKey): Promise<string | undefined>;
  /**
   * By which policy Redis throws away what is kept in it once its memory is full (its `maxmemory-policy`); `undefined`
   * where it never does, or where its user may not ask (`INFO`).
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when Redis does not serve.
   */
  evictionPolicy(): Promise<string | undefined>;
  /** How profiles are logged in, sealed with the same key. */
  readonly logins: LoginStore;
  /** Ends the connection. It keeps no process alive, so that nobody has to; the next question makes another. */
  close(): void;
};

/** @param tell is told each time that something does not open. */
export function openRedisStorage(settings: RedisSettings, tell: CacheNoticeListener): RedisStorage {
  const connection = new RedisConnection(settings);
  const grants = new RedisGrants(settings, connection, tell);
  const underLock = new AsyncLocalStorage<Held>();

  const lockOf = (key: GrantKey): RedisGrantLock =>
    new RedisGrantLock(settings, connection, grants.namesOf(grantId(key)));

  /** The token of the grant's lock, where the caller runs under it. */
  function tokenOf(key: GrantKey): string {
    const id = grantId(key).toString('hex');
    for (let held = underLock.getStore(); held !== undefined; held = held.outer) {
      if (held.id === id) return held.token;
    }
    return '';
  }

  return {
    logins: createRedisLogins(settings, connection, tell),
    lockOwner: (key) => lockOf(key).owner(),
    evictionPolicy: () => evictionPolicy(connection),
    getGrant: (key) => grants.get(key),
    updateGrant: (key, change) => grants.update(key, change, tokenOf(key)),
    listGrants: () => grants.list(),
    async withLock<T>(key: GrantKey, task: () => Promise<T>, options: LockOptions<T>): Promise<T> {
      const lock = await lockOf(key).acquire(options);
      if (!('release' in lock)) return lock.instead;
      // A timer that was set under a lock runs as if under it for ever: those that are released are kept by nobody.
      let outer = underLock.getStore();
      while (outer?.token === '') outer = outer.outer;
      const held: Held = { id: grantId(key).toString('hex'), token: lock.token, outer };
      try {
        return await underLock.run(held, task);
      } finally {
        // What was begun under the lock and goes on after it, such as another try to store, is on its own.
        held.token = '';
        await lock.release();
      }
    },
    close: () => connection.close(),
  };
}
