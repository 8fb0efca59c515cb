import { isAuthError, type Clock } from '@kilometers/auth';
import { requestBodyOf, type EventBatch } from './monitor-event.js';

/** What came of sending a batch once. */
export type SendOutcome =
  | { readonly type: 'delivered' }
  /** The API will not have it: sending it again cannot work. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Trying again later may work; not before `retryAfterMs` where the API said so. */
  | {
      readonly type: 'postponed';
      readonly reason: string;
      readonly retryAfterMs?: number;
      /** Whether it cannot work before a human has done something. */
      readonly needsHuman: boolean;
    };

/** Sends a batch once. Never rejects, never retries. */
export type BatchSender = (batch: EventBatch) => Promise<SendOutcome>;

/** An answer that takes longer is given up, and the batch sent again: the API knows its events by id. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Statuses that the same batch will get again. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Sends batches to the Kilometers API with an authenticated `fetch`. */
export function createBatchSender(options: {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}): BatchSender {
  const { url, clock } = options;
  return async (batch) => {
    const timeout = new AbortController();
    const cancelTimer = clock.schedule(
      () => timeout.abort(new Error(`no answer within ${REQUEST_TIMEOUT_MS / 1_000} s`)),
      REQUEST_TIMEOUT_MS,
      false,
    );
    try {
      const response = await options.fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: requestBodyOf(batch),
        signal: timeout.signal,
      });
      return await outcomeOf(response, clock);
    } catch (error) {
      return {
        type: 'postponed',
        reason: reasonOf(error),
        needsHuman: isAuthError(error) && !error.isRetryable,
      };
    } finally {
      cancelTimer();
    }
  };
}

async function outcomeOf(response: Response, clock: Clock): Promise<SendOutcome> {
  const body = await response.text();
  if (response.ok) {
    // A captive portal answers everything with 200 and a page.
    return isAcceptance(body)
      ? { type: 'delivered' }
      : { type: 'postponed', reason: 'the answer is not from the Kilometers API', needsHuman: false };
  }
  const reason = `HTTP ${response.status}`;
  if (REFUSALS.has(response.status)) return { type: 'refused', reason };
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), clock.nowMs());
  return {
    type: 'postponed',
    reason,
    needsHuman: false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function isAcceptance(body: string): boolean {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null && 'success' in answer && answer.success === true;
  } catch {
    return false;
  }
}

/**
 * Seconds, or an HTTP date.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 | RFC 9110 §10.2.3}
 */
function readRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null || value === '') return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // `fetch` says "fetch failed" and keeps what happened in the cause; of several addresses tried, the first will do.
  const cause = error.cause instanceof AggregateError ? (error.cause.errors[0] as unknown) : error.cause;
  return error instanceof TypeError && cause instanceof Error ? cause.message : error.message;
}
