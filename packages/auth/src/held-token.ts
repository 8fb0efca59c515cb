import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import { elapsedMs, momentNow, type Moment } from './moment.js';
import { dueAtMs, isUsable, leewayMs, type RefreshSettings } from './refresh-policy.js';

/**
 * After a look at the cache has failed, the next one waits this long, in milliseconds: it may take seconds to fail, or start
 * a program that asks a locked keyring.
 */
const LOOK_AGAIN_MS = 5_000;

/** What a token in memory is good for. */
export type HeldState = 'fresh' | 'unchecked' | 'due' | 'expired';

/**
 * A token in memory, with the times until which it is what.
 *
 * Each time is kept by both clocks, and the earlier one counts.
 */
export class HeldToken {
  readonly token: AuthToken;
  /** Resolved once and for all, so that a hit allocates nothing. */
  readonly promise: Promise<AuthToken>;
  readonly #heldAt: Moment;
  /** It is fresh for so long since then. */
  #freshFrom: Moment;
  #freshForMs: number;
  readonly #dueInMs: number;
  readonly #usableForMs: number;
  readonly #checkIntervalMs: number;
  #isDistrusted = false;
  /** When the last look at the cache failed. */
  #lookFailedAt: Moment | undefined;

  /**
   * @param jitter from 0 to 1; see `dueAtMs`.
   * @param before the same token as it was held before: what it knew of the time is not forgotten, for the
   *   wall clock may have been set back meanwhile.
   */
  constructor(
    token: AuthToken,
    clock: Clock,
    settings: RefreshSettings,
    jitter: number,
    before: HeldToken | undefined,
  ) {
    const now = momentNow(clock);
    const { wallMs: nowMs } = now;
    this.token = token;
    this.promise = Promise.resolve(token);
    this.#heldAt = now;
    this.#freshFrom = now;
    const agedMs = before?.remainingMs(now) ?? Number.POSITIVE_INFINITY;
    const remainingMs = Math.min(token.lifetimeMs, token.expiresAtMs - nowMs, agedMs);
    this.#dueInMs = remainingMs - (token.expiresAtMs - dueAtMs(token, settings.refreshAheadMs, jitter));
    this.#usableForMs = isUsable(token, nowMs) ? remainingMs - leewayMs(token) : 0;
    this.#checkIntervalMs = settings.checkIntervalMs;
    this.#freshForMs = this.#freshMs(now, settings.checkIntervalMs);
  }

  /** Whether the token can be handed out with no further thought. The hot path. */
  isFresh(wallMs: number, monotonicMs: number): boolean {
    const { wallMs: fromWallMs, monotonicMs: fromMonotonicMs } = this.#freshFrom;
    const wallElapsedMs = wallMs - fromWallMs;
    return (
      wallElapsedMs < this.#freshForMs &&
      wallElapsedMs >= 0 &&
      monotonicMs - fromMonotonicMs < this.#freshForMs
    );
  }

  /** Somebody rejected it: it is checked with the cache before it is handed out again. */
  distrust(): void {
    this.#isDistrusted = true;
    this.#freshForMs = 0;
  }

  /** The cache could not be read: what it says of this one is not asked for again at once, unless somebody rejected it. */
  lookFailed(now: Moment): void {
    if (this.#isDistrusted) return;
    this.#lookFailedAt = now;
    this.#freshFrom = now;
    this.#freshForMs = this.#freshMs(now, LOOK_AGAIN_MS);
  }

  /** Whether a look at the cache has failed so lately that nobody should wait for the next. */
  isLookFailing(now: Moment): boolean {
    if (this.#isDistrusted || this.#lookFailedAt === undefined) return false;
    return elapsedMs(this.#lookFailedAt, now) < this.#checkIntervalMs;
  }

  stateAt(now: Moment): HeldState {
    const heldForMs = elapsedMs(this.#heldAt, now);
    if (heldForMs >= this.#usableForMs) return 'expired';
    if (heldForMs >= this.#dueInMs) return 'due';
    return this.isFresh(now.wallMs, now.monotonicMs) ? 'fresh' : 'unchecked';
  }

  /** Milliseconds until the token is due; below 0 when it is. */
  dueInMs(now: Moment): number {
    return this.#dueInMs - elapsedMs(this.#heldAt, now);
  }

  /** Milliseconds until the token expires, leeway aside; below 0 when it has. */
  remainingMs(now: Moment): number {
    return this.#usableForMs + leewayMs(this.token) - elapsedMs(this.#heldAt, now);
  }

  /** For how long from now on it is fresh, `mostMs` at most. */
  #freshMs(now: Moment, mostMs: number): number {
    return Math.min(this.dueInMs(now), this.#usableForMs - elapsedMs(this.#heldAt, now), mostMs);
  }
}
