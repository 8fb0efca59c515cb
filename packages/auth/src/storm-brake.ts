import { AuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import type { GrantRecord } from './grant-record.js';
import { dueAtMs } from './refresh-policy.js';

/** At most this many token requests that no expiry explains … */
export const STORM_REQUESTS = 10;
/** … within this time, in milliseconds. */
export const STORM_WINDOW_MS = 30_000;

/** The requests that still count at `nowMs`. A time in the future was written by another clock: it is dropped. */
function recent(record: GrantRecord, nowMs: number): readonly number[] {
  return record.unexplainedRequestsAtMs.filter((atMs) => atMs > nowMs - STORM_WINDOW_MS && atMs <= nowMs);
}

/** How many requests of `record` count at `nowMs`. */
export function countedRequests(record: GrantRecord, nowMs: number): number {
  return recent(record, nowMs).length;
}

/** Notes that a request is made at `nowMs`: it counts once it is known that nothing explains it. */
export function beginRequest(record: GrantRecord, nowMs: number): GrantRecord {
  return { ...record, unexplainedRequestsAtMs: recent(record, nowMs), requestUnderWayAtMs: nowMs };
}

/** Counts the request under way: it failed, or what it replaced was still good. */
export function countRequest(record: GrantRecord): GrantRecord {
  const { requestUnderWayAtMs: atMs } = record;
  if (atMs === undefined) return record;
  const counted = [...record.unexplainedRequestsAtMs, atMs];
  return { ...explainRequest(record), unexplainedRequestsAtMs: counted };
}

/**
 * Forgets the request under way: it brought a token, and what it replaced had lived until its refresh point, or there
 * was none. So tokens of two seconds may be renewed every second for days, and the brake still stops a loop.
 */
export function explainRequest(record: GrantRecord): GrantRecord {
  const { requestUnderWayAtMs: _, ...rest } = record;
  return rest;
}

/**
 * What whoever holds the lock makes of the request that it finds under way. Its own, at `ownAtMs`, failed. That of
 * another is of a process that was killed before the answer: it explains itself, for who is dead does not loop.
 */
export function settleRequest(record: GrantRecord, ownAtMs: number | undefined): GrantRecord {
  return record.requestUnderWayAtMs === ownAtMs ? countRequest(record) : explainRequest(record);
}

/** Whether replacing `previous` at `nowMs` is what its lifetime explains. */
export function isExplainedByLifetime(
  previous: AuthToken | undefined,
  nowMs: number,
  refreshAheadMs: number,
): boolean {
  // The earliest that jitter may make it due.
  return previous === undefined || nowMs >= dueAtMs(previous, refreshAheadMs, 1);
}

/**
 * @throws {AuthError} `KM_AUTH_STORM` when the brake is on.
 */
export function assertNoStorm(record: GrantRecord, nowMs: number, grantType: string): void {
  const requests = recent(record, nowMs);
  if (requests.length < STORM_REQUESTS) return;
  const clearsInMs = (requests[0] ?? nowMs) + STORM_WINDOW_MS - nowMs;
  throw new AuthError(
    'KM_AUTH_STORM',
    `${String(requests.length)} token requests within ${String(STORM_WINDOW_MS / 1000)} s that no expiry explains ` +
      `(the last with the ${grantType} grant): the tokens are rejected or the requests fail as fast as they are made. ` +
      `No further one for ${String(Math.ceil(clearsInMs / 1000))} s; then try again, and see what rejects them`,
  );
}
