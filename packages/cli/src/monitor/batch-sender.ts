import { constants, gzipSync } from 'node:zlib';
import { discardBody, isAuthError, retryAfterMs, type AuthErrorCode, type Clock } from '@kilometers/auth';
import { messageOf } from '../message-of.js';
import { startOf } from '../network/start-of-answer.js';
import { requestBodyOf, type EventBatch } from './monitor-event.js';

/** What came of sending a batch once. */
export type SendOutcome =
  | { readonly type: 'delivered' }
  /** The API will not have it, or not all of it at once: sending the same again cannot work. */
  | { readonly type: 'refused'; readonly reason: string }
  /** Trying again later may work; not before `retryAfterMs` where the API said so. */
  | {
      readonly type: 'postponed';
      readonly reason: string;
      readonly retryAfterMs?: number;
      /** Whether it cannot work before a human has done something. */
      readonly needsHuman: boolean;
      /** Where there was no token to send it with. */
      readonly code?: AuthErrorCode;
      /** Of the answer, where there was one. */
      readonly status?: number;
    };

/** Sends a batch once. Never rejects, never retries. */
export type BatchSender = (batch: EventBatch) => Promise<SendOutcome>;

/** An answer that takes longer is given up, and the batch sent again: the API knows its events by id. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The slowest network on which a batch is sent whole: what is larger has more time, */
const BYTES_A_SECOND = 64 * 1024;
/** and this much more at most. */
const MOST_UPLOAD_MS = 600_000;
/** What is longer is no answer of the API. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** A body that is larger is packed. */
const GZIP_FROM_BYTES = 8 * 1024;

/** Statuses that the same batch will get again: one of its events is wrong, or it is too large. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);
/** Statuses that stay until somebody changes the account or the endpoint. */
const HUMAN: ReadonlySet<number> = new Set([403, 404, 405]);
const UNSUPPORTED = 415;
/** What a server that does not unpack makes of a packed body. */
const UNREADABLE = 400;

/** Sends batches to the Kilometers API with an authenticated `fetch`; packed, unless the API has said that it cannot unpack. */
export function createBatchSender(options: {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}): BatchSender {
  const { url, clock } = options;
  let takesGzip = true;
  /** Whether the API has unpacked a body: then it is not to blame for a refusal. */
  let hasUnpacked = false;

  async function post(body: string, signal: AbortSignal): Promise<Response> {
    const isPacked = takesGzip && body.length >= GZIP_FROM_BYTES;
    const response = await options.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(isPacked ? { 'content-encoding': 'gzip' } : {}) },
      // Not on a thread beside this one: the traffic needs the processors.
      body: isPacked ? gzipSync(body, { level: constants.Z_BEST_SPEED }) : body,
      // What was captured goes to the account's own origin, wherever it is told to go.
      redirect: 'manual',
      signal,
    });
    if (!isPacked) return response;
    if (response.ok) hasUnpacked = true;
    const mayBeBlind = response.status === UNREADABLE && !hasUnpacked;
    if (response.status !== UNSUPPORTED && !mayBeBlind) return response;
    takesGzip = false;
    discardBody(response);
    const again = await post(body, signal);
    // What it will not have unpacked either it may have packed.
    if (mayBeBlind && !again.ok) takesGzip = true;
    return again;
  }

  return async (batch) => {
    const body = requestBodyOf(batch);
    const timeLimitMs = REQUEST_TIMEOUT_MS + uploadMs(body.length);
    const timeout = new AbortController();
    const cancelTimer = clock.schedule(
      () => timeout.abort(new Error(`no answer within ${timeLimitMs / 1_000} s`)),
      timeLimitMs,
      false,
    );
    try {
      return await outcomeOf(await post(body, timeout.signal), clock);
    } catch (error) {
      return {
        type: 'postponed',
        reason: messageOf(error),
        needsHuman: isAuthError(error) && !error.isRetryable,
        ...(isAuthError(error) ? { code: error.code } : {}),
      };
    } finally {
      cancelTimer();
    }
  };
}

/** How long so many bytes may be on their way, in milliseconds: whole seconds. */
function uploadMs(bytes: number): number {
  return Math.min(Math.floor(bytes / BYTES_A_SECOND) * 1_000, MOST_UPLOAD_MS);
}

async function outcomeOf(response: Response, clock: Clock): Promise<SendOutcome> {
  const body = await startOf(response, MAX_ANSWER_BYTES);
  if (response.ok) {
    // A captive portal answers everything with 200 and a page.
    return isAcceptance(body)
      ? { type: 'delivered' }
      : { type: 'postponed', reason: 'the answer is not from the Kilometers API', needsHuman: false };
  }
  const reason = `HTTP ${response.status}`;
  if (REFUSALS.has(response.status)) return { type: 'refused', reason };
  const restMs = readRetryAfter(response.headers, clock.nowMs());
  const needsHuman = HUMAN.has(response.status);
  return {
    type: 'postponed',
    reason: needsHuman
      ? `${reason}: check the endpoint, and what this account may do; see km doctor`
      : reason,
    needsHuman,
    status: response.status,
    ...(restMs === undefined ? {} : { retryAfterMs: restMs }),
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

/** By the clock that the answer's own date is of. */
function readRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const answeredAtMs = Date.parse(headers.get('date') ?? '');
  const skewMs = Number.isNaN(answeredAtMs) ? undefined : nowMs - answeredAtMs;
  return retryAfterMs(headers.get('retry-after') ?? undefined, nowMs, skewMs);
}
