import type { AuthToken } from './auth-token.js';

/** When to refresh and how hard to try. */
export type RefreshSettings = {
  /**
   * How long before its end a token is due, in milliseconds, 0 to 86 400 000; at most half its lifetime counts.
   * Default 300 000 (5 minutes).
   */
  readonly refreshAheadMs: number;
  /**
   * The longest wait between two tries, unless a `Retry-After` asks for more, and the least time after a failed refresh in
   * the background, in milliseconds, 1 to 86 400 000. Default 30 000.
   */
  readonly retryIntervalMs: number;
  /** How many tries follow the first one, 0 to 100. Default 3. */
  readonly maxRetries: number;
  /**
   * How often `start()` checks, and how long a token in memory is used without a look at the cache, in milliseconds, 1 to
   * 86 400 000. Default 60 000.
   */
  readonly checkIntervalMs: number;
  /**
   * How long a token request may take to connect, and one that can be repeated to be answered, in milliseconds, 1 to
   * 86 400 000. Default 10 000.
   */
  readonly requestTimeoutMs: number;
  /**
   * How long `wait: 'if-due'`, or `offlineLifetimeMs`, waits before the token at hand is taken, in milliseconds, 0 to
   * 86 400 000. Default 2 000.
   */
  readonly refreshDeadlineMs: number;
};

/** What counts where {@link RefreshSettings} are left out. */
export const DEFAULT_REFRESH_SETTINGS: RefreshSettings = {
  refreshAheadMs: 300_000,
  retryIntervalMs: 30_000,
  maxRetries: 3,
  checkIntervalMs: 60_000,
  requestTimeoutMs: 10_000,
  refreshDeadlineMs: 2_000,
};

/** The first wait between two tries, before jitter. It doubles with each further one. */
const FIRST_RETRY_MS = 1_000;
/** The longest `Retry-After` that is waited out; a longer one ends the tries and is remembered. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** The longest rest that is remembered: who asks for a year, or means milliseconds, would end the login with it. */
export const LONGEST_REST_MS = 3_600_000;
/** At most this share of the refresh-ahead is added to it, so that many processes do not wake as one. */
const JITTER_SHARE = 0.1;
/** Kept for drift and flight time: this share of the lifetime, and never more than {@link MAX_LEEWAY_MS}. */
const LEEWAY_SHARE = 0.1;
const MAX_LEEWAY_MS = 5_000;
/** A token received further in the future than this was not received by this clock. */
const FUTURE_TOLERANCE_MS = 30_000;
/** A token that nobody has renewed by then is of no more use: 1 day. */
const LONG_AGO_MS = 86_400_000;
/** The longest that a token may live on offline, in milliseconds: 30 days. */
export const LONGEST_OFFLINE_LIFETIME_MS = 2_592_000_000;

/** How long before its end a token is no longer sent, if another can be had. */
export function leewayMs(token: AuthToken): number {
  return Math.min(MAX_LEEWAY_MS, token.lifetimeMs * LEEWAY_SHARE);
}

/**
 * Whether `token` may still be sent at `nowMs`, keeping some leeway for drift and flight time.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.1 | RFC 6749 §5.1}
 */
export function isUsable(token: AuthToken, nowMs: number): boolean {
  return nowMs + leewayMs(token) < token.expiresAtMs && !isFromTheFuture(token, nowMs);
}

/** Whether the clock was set back since `token` was received, so that its times mean nothing here. */
export function isFromTheFuture(token: AuthToken, nowMs: number): boolean {
  return token.issuedAtMs > nowMs + FUTURE_TOLERANCE_MS;
}

/** Whether `token` ended so long ago that it is neither kept nor renewed, unless somebody asks for it. */
export function endedLongAgo(token: AuthToken, nowMs: number): boolean {
  return nowMs - token.expiresAtMs > LONG_AGO_MS;
}

/**
 * When a token is due: `refreshAheadMs` before it expires, at most half its life before; jitter makes that up to a
 * tenth earlier.
 *
 * @param jitter from 0 to 1.
 */
export function dueAtMs(token: AuthToken, refreshAheadMs: number, jitter: number): number {
  const aheadMs = Math.min(refreshAheadMs, token.lifetimeMs / 2);
  return token.expiresAtMs - aheadMs * (1 + JITTER_SHARE * jitter);
}

/** Whether `token` is due at `nowMs`, jitter aside. */
export function isDue(token: AuthToken, nowMs: number, refreshAheadMs: number): boolean {
  return nowMs >= dueAtMs(token, refreshAheadMs, 0);
}

/** What is known of a failed try. */
export type FailedTry = {
  /** 1 for the first try. */
  readonly attempt: number;
  /** What `Retry-After` asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The request was sent and its answer lost: the server may allow a grace window that is short. */
  readonly isAnswerLost: boolean;
};

/**
 * How long to wait before the next try: full jitter under a doubling bound, what the server asked for
 * where it did, nothing after a first lost answer. `undefined`: no further try.
 *
 * @param random from 0 to 1.
 */
export function retryDelayMs(
  failed: FailedTry,
  settings: Pick<RefreshSettings, 'maxRetries' | 'retryIntervalMs'>,
  random: number,
): number | undefined {
  if (failed.attempt > settings.maxRetries) return undefined;
  if (failed.retryAfterMs !== undefined) {
    return failed.retryAfterMs <= LONGEST_RETRY_AFTER_MS ? failed.retryAfterMs : undefined;
  }
  if (failed.isAnswerLost && failed.attempt === 1) return 0;
  return random * Math.min(settings.retryIntervalMs, FIRST_RETRY_MS * 2 ** (failed.attempt - 1));
}

/** Whether the server asked for a longer rest than is waited out. */
export function isLongRest(retryAfterMs: number | undefined): retryAfterMs is number {
  return retryAfterMs !== undefined && retryAfterMs > LONGEST_RETRY_AFTER_MS;
}
