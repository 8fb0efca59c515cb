import { AuthError } from '../auth-error.js';
import { systemClock, type Clock } from '../clock.js';
import type { GrantKey, GrantRecord } from '../grant-record.js';
import type { LockOptions, TokenCache } from '../ports.js';

/** One string a grant, fit for a `Map`. A line break cannot be in an origin, and profiles have none. */
function idOf(key: GrantKey): string {
  return `${key.apiOrigin}\n${key.profile}\n${key.credential}`;
}

/** Keeps grants in this process's memory, for as long as it lives. Managers that are given the same one share them. */
export function createMemoryCache(options: { readonly clock?: Clock } = {}): TokenCache {
  const { clock = systemClock } = options;
  const grants = new Map<string, { readonly key: GrantKey; readonly record: GrantRecord }>();
  /** The end of each grant's line of waiting tasks. */
  const lines = new Map<string, Promise<void>>();

  async function takeTurn(
    id: string,
    { timeoutMs, signal }: Pick<LockOptions<unknown>, 'timeoutMs' | 'signal'>,
  ): Promise<() => void> {
    const before = lines.get(id);
    let release!: () => void;
    const turn = new Promise<void>((resolve) => (release = resolve));
    const after = (before ?? Promise.resolve()).then(() => turn);
    lines.set(id, after);
    const leave = (): void => {
      release();
      // Not before those ahead have left, too: who gives up must not open the way for the next one.
      void after.then(() => {
        if (lines.get(id) === after) lines.delete(id);
      });
    };
    if (before === undefined) return leave;
    let cancel: () => void = () => undefined;
    const gaveUp = new Promise<boolean>((resolve) => {
      const giveUp = (): void => {
        resolve(true);
      };
      const cancelTimeout = clock.schedule(giveUp, timeoutMs, true);
      signal?.addEventListener('abort', giveUp);
      if (signal?.aborted === true) giveUp();
      cancel = () => {
        cancelTimeout();
        signal?.removeEventListener('abort', giveUp);
      };
    });
    const hasGivenUp = await Promise.race([before.then(() => false), gaveUp]);
    cancel();
    if (!hasGivenUp) return leave;
    leave();
    signal?.throwIfAborted();
    throw new AuthError(
      'KM_AUTH_LOCK_TIMEOUT',
      `another task of this process has held the grant's lock for more than ${String(timeoutMs)} ms; try again`,
    );
  }

  return {
    kind: 'memory',
    getGrant: (key) => Promise.resolve(grants.get(idOf(key))?.record),
    updateGrant: (key, change) =>
      Promise.resolve().then(() => {
        const id = idOf(key);
        const record = change(grants.get(id)?.record);
        if (record === undefined) grants.delete(id);
        else grants.set(id, { key, record });
        return record;
      }),
    listGrants: () => Promise.resolve([...grants.values()].map((grant) => grant.key)),
    async withLock<T>(key: GrantKey, task: () => Promise<T>, waiting: LockOptions<T>): Promise<T> {
      const leave = await takeTurn(idOf(key), waiting);
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
