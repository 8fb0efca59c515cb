import { isLoginDamaged } from '../cache-notice.js';
import type { Clock } from '../clock.js';
import { EMPTY_GRANT, type GrantKey, type GrantRecord } from '../grant-record.js';
import type { TokenCache } from '../ports.js';
import type { Secret } from '../secret.js';

/** A refresh token that a program brings, and the grant that begins with it. */
export type Seed = { readonly secret: Secret; readonly grant: GrantKey };

/**
 * `cache`, in which a grant that is not there yet begins with its seed. One that is there
 * has used that up already: what it holds by now counts, and when it is gone, somebody logged out. One that was there and
 * is damaged may have used it up too: to send the seed again would look like a theft.
 */
export function createSeededCache(cache: TokenCache, { secret, grant }: Seed, clock: Clock): TokenCache {
  let isUsedUp = false;
  const seeded = (record: GrantRecord | undefined): GrantRecord => {
    // A grant that a human ended may be seeded again, but not by a process that has used it.
    const isEnded =
      record !== undefined &&
      record.refreshToken === undefined &&
      (record.endedAtMs !== undefined || record.leftOver !== undefined);
    if (record !== undefined && (isUsedUp || !isEnded)) {
      isUsedUp = true;
      return record;
    }
    if (isUsedUp) return EMPTY_GRANT;
    return {
      ...EMPTY_GRANT,
      refreshToken: { secret, issuedAtMs: clock.nowMs() },
      ...(record?.leftOver !== undefined && { leftOver: record.leftOver }),
    };
  };
  return {
    kind: cache.kind,
    getGrant: async (key) => seeded(await cache.getGrant(key)),
    updateGrant: async (key, change) => {
      const stored = await cache.updateGrant(key, (current) => change(seeded(current)));
      isUsedUp ||= stored !== undefined;
      return stored;
    },
    listGrants: () => cache.listGrants(),
    subscribe: (listener) =>
      cache.subscribe?.((notice) => {
        isUsedUp ||= isLoginDamaged(notice, grant);
        listener(notice);
      }) ?? (() => undefined),
    withLock: (key, task, options) => cache.withLock(key, task, options),
  };
}
