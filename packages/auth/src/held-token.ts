import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
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
 * Each time is kept by both clocks, and the earlier one counts: the wall clock notices that the machine
 * slept, the monotonic one that the wall clock was set back.
 */
export class HeldToken {
  readonly token: AuthToken;
  /** Resolved once and for all, so that a hit allocates nothing. */
  readonly promise: Promise<AuthToken>;
  readonly #heldAtWallMs: number;
  readonly #heldAtMonotonicMs: number;
  #freshForMs: number;
  readonly #dueInMs: number;
  readonly #usableForMs: number;
  readonly #checkIntervalMs: number;
  #isDistrusted = false;
  /** When the last look at the cache failed, by `#elapsedMs`. */
  #lookFailedAfterMs = Number.NEGATIVE_INFINITY;

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
    const nowMs = clock.nowMs();
    this.token = token;
    this.promise = Promise.resolve(token);
    this.#heldAtWallMs = nowMs;
    this.#heldAtMonotonicMs = clock.monotonicMs();
    const agedMs = before?.remainingMs(nowMs, this.#heldAtMonotonicMs) ?? Number.POSITIVE_INFINITY;
    const remainingMs = Math.min(token.lifetimeMs, token.expiresAtMs - nowMs, agedMs);
    this.#dueInMs = remainingMs - (token.expiresAtMs - dueAtMs(token, settings.refreshAheadMs, jitter));
    this.#usableForMs = isUsable(token, nowMs) ? remainingMs - leewayMs(token) : 0;
    this.#checkIntervalMs = settings.checkIntervalMs;
    this.#freshForMs = this.#freshUntil(settings.checkIntervalMs);
  }

  /** Whether the token can be handed out with no further thought. The hot path. */
  isFresh(wallMs: number, monotonicMs: number): boolean {
    const elapsedMs = wallMs - this.#heldAtWallMs;
    return (
      elapsedMs < this.#freshForMs &&
      elapsedMs >= 0 &&
      monotonicMs - this.#heldAtMonotonicMs < this.#freshForMs
    );
  }

  /** Somebody rejected it: it is checked with the cache before it is handed out again. */
  distrust(): void {
    this.#isDistrusted = true;
    this.#freshForMs = 0;
  }

  /** The cache could not be read: what it says of this one is not asked for again at once, unless somebody rejected it. */
  lookFailed(wallMs: number, monotonicMs: number): void {
    if (this.#isDistrusted) return;
    this.#lookFailedAfterMs = this.#elapsedMs(wallMs, monotonicMs);
    this.#freshForMs = this.#freshUntil(this.#lookFailedAfterMs + LOOK_AGAIN_MS);
  }

  /** Whether a look at the cache has failed so lately that nobody should wait for the next. */
  isLookFailing(wallMs: number, monotonicMs: number): boolean {
    const sinceMs = this.#elapsedMs(wallMs, monotonicMs) - this.#lookFailedAfterMs;
    return !this.#isDistrusted && sinceMs < this.#checkIntervalMs;
  }

  stateAt(wallMs: number, monotonicMs: number): HeldState {
    const elapsedMs = this.#elapsedMs(wallMs, monotonicMs);
    if (elapsedMs >= this.#usableForMs) return 'expired';
    if (elapsedMs >= this.#dueInMs) return 'due';
    return elapsedMs >= this.#freshForMs || wallMs < this.#heldAtWallMs ? 'unchecked' : 'fresh';
  }

  /** Milliseconds until the token is due; below 0 when it is. */
  dueInMs(wallMs: number, monotonicMs: number): number {
    return this.#dueInMs - this.#elapsedMs(wallMs, monotonicMs);
  }

  /** Milliseconds until the token expires, leeway aside; below 0 when it has. */
  remainingMs(wallMs: number, monotonicMs: number): number {
    return this.#usableForMs + leewayMs(this.token) - this.#elapsedMs(wallMs, monotonicMs);
  }

  #freshUntil(elapsedMs: number): number {
    return Math.min(this.#dueInMs, this.#usableForMs, elapsedMs);
  }

  /** What passed since the token was taken into memory, by the clock that says more. */
  #elapsedMs(wallMs: number, monotonicMs: number): number {
    return Math.max(wallMs - this.#heldAtWallMs, monotonicMs - this.#heldAtMonotonicMs);
  }
}
