import type { NotableRecord, RefreshRecord } from '../../src/analytics/usage-record.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const NOW = Date.parse('2026-03-10T12:00:00Z');
export const BASE = { profile: 'default', api: 'https://api.example', by: 'auth token' };

export function refresh(at: number, changes: Partial<RefreshRecord> = {}): RefreshRecord {
  return {
    ...BASE,
    type: 'refresh',
    at,
    scope: 'monitoring',
    code: null,
    grant: 'refresh_token',
    tries: 1,
    ms: 100,
    token: `token-${at}`,
    replaced: null,
    lifeMs: HOUR_MS,
    ...changes,
  };
}

export function note(at: number, kind: NotableRecord['kind'], detail = ''): NotableRecord {
  return { ...BASE, type: 'event', at, kind, detail };
}

/** `count` refreshes, each of the token before it, `everyMs` apart. */
export function chain(count: number, everyMs: number, changes: Partial<RefreshRecord> = {}): RefreshRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const at = NOW + index * everyMs;
    return refresh(at, { replaced: index === 0 ? null : `token-${at - everyMs}`, ...changes });
  });
}
