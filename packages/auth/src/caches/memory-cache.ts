import { systemClock, type Clock } from '../clock.js';
import type { GrantKey, GrantRecord } from '../grant-record.js';
import type { LockOptions, TokenCache } from '../ports.js';
import { TaskLine } from '../task-line.js';

/** One string a grant, fit for a `Map`. A line break cannot be in an origin, and profiles have none. */
function idOf(key: GrantKey): string {
  return `${key.apiOrigin}\n${key.profile}\n${key.credential}`;
}

/** Keeps grants in this process's memory, for as long as it lives. Managers that are given the same one share them. */
export function createMemoryCache(options: { readonly clock?: Clock } = {}): TokenCache {
  const { clock = systemClock } = options;
  const grants = new Map<string, { readonly key: GrantKey; readonly record: GrantRecord }>();
  const lines = new Map<string, TaskLine>();

  function lineOf(key: GrantKey): TaskLine {
    const id = idOf(key);
    const line = lines.get(id) ?? new TaskLine(clock);
    lines.set(id, line);
    return line;
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
    withLock: <T>(key: GrantKey, task: () => Promise<T>, waiting: LockOptions<T>) =>
      lineOf(key).run(task, waiting),
  };
}
