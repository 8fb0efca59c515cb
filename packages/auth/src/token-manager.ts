import { AuthError, isAuthError } from './auth-error.js';
import type { AuthEventListener } from './auth-event.js';
import type { AuthManager, ForceRefreshOptions, GetTokenOptions } from './auth-manager.js';
import type { AuthToken } from './auth-token.js';
import { untilAborted } from './abortable-wait.js';
import { BackgroundCheck } from './background-check.js';
import type { Clock } from './clock.js';
import type { Credential } from './credential.js';
import { EventPublisher } from './event-publisher.js';
import { withoutTokens } from './grant-changes.js';
import type { GrantKey, GrantRecord } from './grant-record.js';
import { GrantStore } from './grant-store.js';
import { HeldToken } from './held-token.js';
import type { Need } from './need.js';
import type { TokenCache, TokenProvider } from './ports.js';
import { isUsable, type RefreshSettings } from './refresh-policy.js';
import { RefreshTransaction } from './refresh-transaction.js';
import { DEFAULT_SCOPE, scopeKey, type Scope } from './scope.js';
import { TokenRequestRunner } from './token-request-runner.js';

export type TokenManagerOptions = {
  readonly key: GrantKey;
  readonly credential: Credential | undefined;
  readonly provider: TokenProvider;
  readonly cache: TokenCache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RefreshSettings;
  readonly loginCommand: string;
};

/** A wall clock that differs from the service's by more than this is worth telling, in milliseconds. */
const NOTABLE_SKEW_MS = 30_000;

/**
 * Keeps the tokens of one grant good. What happens when a token is about to expire: {@link getValidToken}
 * hands it out and calls `#refreshBehind`; that starts a flight, one a scope; the flight is a
 * {@link RefreshTransaction}; what it brings is held here until it is due in turn.
 */
export class TokenManager implements AuthManager {
  readonly profile: string;
  readonly apiOrigin: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #settings: RefreshSettings;
  readonly #events: EventPublisher;
  readonly #store: GrantStore;
  readonly #runner: TokenRequestRunner;
  readonly #transaction: RefreshTransaction;
  readonly #background: BackgroundCheck;
  /** Tokens in memory, by scope key. */
  readonly #held = new Map<string, HeldToken>();
  /** Refreshes under way, by scope key. */
  readonly #flights = new Map<string, Promise<AuthToken>>();
  /** Every scope that was ever asked for. */
  readonly #knownScopes = new Set<string>();
  #look: Promise<GrantRecord> | undefined;
  /** No refresh runs behind before this, by the monotonic clock. */
  #behindNotBeforeMs = Number.NEGATIVE_INFINITY;
  #clockSkewMs: number | undefined;

  constructor(options: TokenManagerOptions) {
    const { key, clock, settings } = options;
    this.profile = key.profile;
    this.apiOrigin = key.apiOrigin;
    this.#clock = clock;
    this.#random = options.random;
    this.#settings = settings;
    this.#events = new EventPublisher(key.profile, clock);
    this.#store = new GrantStore(options.cache, key, this.#events);
    const shared = { ...options, store: this.#store, events: this.#events };
    this.#runner = new TokenRequestRunner(shared);
    this.#transaction = new RefreshTransaction({
      ...shared,
      runner: this.#runner,
      onClockSkew: (skewMs) => {
        this.#learnSkew(skewMs);
      },
    });
    this.#background = new BackgroundCheck({
      clock,
      checkIntervalMs: settings.checkIntervalMs,
      check: () => this.#check(),
      onClockJump: (byMs) => {
        this.#events.publish({ type: 'clock.jumped', byMs });
      },
    });
  }

  get clockSkewMs(): number | undefined {
    return this.#clockSkewMs;
  }

  getValidToken(scope: Scope = DEFAULT_SCOPE, options?: GetTokenOptions): Promise<AuthToken> {
    if (options === undefined && typeof scope === 'string') {
      const held = this.#held.get(scope);
      if (held?.isFresh(this.#clock.nowMs(), this.#clock.monotonicMs()) === true) return held.promise;
    }
    return this.#getValidToken(scope, options ?? {});
  }

  async forceRefresh(scope: Scope = DEFAULT_SCOPE, options: ForceRefreshOptions = {}): Promise<AuthToken> {
    const key = scopeKey(scope);
    this.#knownScopes.add(key);
    const rejected =
      options.rejected ?? this.#held.get(key)?.token ?? (await this.#lookAtCache()).tokens.get(key);
    const underway = this.#flights.get(key);
    if (underway !== undefined) {
      const token = await untilAborted(underway, options.signal).catch((error: unknown) => {
        if (isAuthError(error, 'KM_AUTH_ABORTED')) throw error;
        return undefined;
      });
      if (token !== undefined && token.fingerprint !== rejected?.fingerprint) return token;
    }
    const held = this.#held.get(key);
    if (held !== undefined && held.token.fingerprint === rejected?.fingerprint) this.#held.delete(key);
    const need: Need = {
      scope: key,
      other: rejected,
      because: options.isRevoked === true ? 'revoked' : 'rejected',
      minValidMs: 0,
    };
    return untilAborted(this.#fly(need), options.signal);
  }

  async clearCache(): Promise<void> {
    this.#held.clear();
    await this.#store.update(withoutTokens);
  }

  start(): void {
    this.#background.start();
  }

  async stop(): Promise<void> {
    this.#background.stop();
    this.#runner.interruptWaits();
    await Promise.allSettled(this.#flights.values());
    await this.#store.flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  subscribe(listener: AuthEventListener): () => void {
    return this.#events.subscribe(listener);
  }

  /** The way of a token that is not simply at hand. */
  async #getValidToken(scope: Scope, options: GetTokenOptions): Promise<AuthToken> {
    const { signal, wait = 'if-expired', minValidMs = 0 } = options;
    const key = scopeKey(scope);
    this.#knownScopes.add(key);
    let held = this.#held.get(key);
    let state = this.#stateOf(held);
    if (state !== 'fresh' && state !== 'due') {
      this.#adopt(key, await untilAborted(this.#lookAtCache(), signal));
      held = this.#held.get(key);
      state = this.#stateOf(held);
    } else {
      await untilAborted(Promise.resolve(), signal);
    }
    if (held === undefined || state === 'expired') return this.#waitForFlight(key, held, options);
    if (minValidMs > 0 && this.#remainingMs(held) < minValidMs) return this.#longer(key, held, options);
    if (state !== 'due') return held.token;
    return wait === 'if-due' ? this.#newerWithinDeadline(key, held, signal) : this.#refreshBehind(key, held);
  }

  /** Expired or missing: the caller waits. A token in its last moments is still better than none. */
  async #waitForFlight(
    key: string,
    held: HeldToken | undefined,
    options: GetTokenOptions,
  ): Promise<AuthToken> {
    const { minValidMs = 0 } = options;
    try {
      const token = await untilAborted(
        this.#fly({ scope: key, other: held?.token, because: 'time', minValidMs }),
        options.signal,
      );
      if (token.remainingMs(this.#clock.nowMs()) < minValidMs) throw this.#tooShort(token, minValidMs);
      return token;
    } catch (error) {
      const mayUse = isAuthError(error) && error.isRetryable && minValidMs === 0;
      if (mayUse && held !== undefined && this.#remainingMs(held) > 0) return held.token;
      throw error;
    }
  }

  /** The token at hand is good, but not for long enough. */
  #longer(key: string, held: HeldToken, options: GetTokenOptions): Promise<AuthToken> {
    const { minValidMs = 0 } = options;
    // It cannot be had: this is not the place to ask for it again and again.
    if (this.#stateOf(held) !== 'due' && held.token.lifetimeMs < minValidMs)
      throw this.#tooShort(held.token, minValidMs);
    return this.#waitForFlight(key, undefined, options);
  }

  /** A due token is handed out at once; the refresh runs behind. */
  #refreshBehind(key: string, held: HeldToken): AuthToken {
    if (!this.#flights.has(key) && this.#clock.monotonicMs() >= this.#behindNotBeforeMs) {
      this.#events.publish({
        type: 'token.due',
        scope: key,
        token: held.token.fingerprint,
        remainingMs: this.#remainingMs(held),
      });
      this.#fly({ scope: key, other: held.token, because: 'time', minValidMs: 0 }).catch(() => {
        this.#behindNotBeforeMs = this.#clock.monotonicMs() + this.#settings.retryIntervalMs;
      });
    }
    return held.token;
  }

  async #newerWithinDeadline(
    key: string,
    held: HeldToken,
    signal: AbortSignal | undefined,
  ): Promise<AuthToken> {
    this.#refreshBehind(key, held);
    const flight = this.#flights.get(key);
    if (flight === undefined) return held.token;
    let cancel: () => void = () => undefined;
    const deadline = new Promise<AuthToken>((resolve) => {
      cancel = this.#clock.schedule(
        () => {
          resolve(held.token);
        },
        this.#settings.refreshDeadlineMs,
        true,
      );
    });
    try {
      return await untilAborted(Promise.race([flight.catch(() => held.token), deadline]), signal);
    } finally {
      cancel();
    }
  }

  /** The flight for a scope: the one under way, or a new one. */
  #fly(need: Need): Promise<AuthToken> {
    const underway = this.#flights.get(need.scope);
    if (underway !== undefined) return underway;
    const flight = this.#transaction
      .run(need)
      .then((token) => {
        this.#hold(need.scope, token);
        return token;
      })
      .catch((error: unknown) => {
        if (error instanceof AuthError) {
          this.#events.publish({
            type: 'refresh.failed',
            scope: need.scope,
            code: error.code,
            message: error.message,
          });
        }
        throw error;
      })
      .finally(() => {
        this.#flights.delete(need.scope);
      });
    this.#flights.set(need.scope, flight);
    return flight;
  }

  /** Reads the cache once for all who ask at this moment. */
  #lookAtCache(): Promise<GrantRecord> {
    this.#look ??= this.#store.read().finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  /** Takes what the cache says of a scope: another process may have refreshed, revoked, or logged out. */
  #adopt(key: string, record: GrantRecord): void {
    const stored = record.tokens.get(key);
    if (stored === undefined) this.#held.delete(key);
    else if (isUsable(stored, this.#clock.nowMs())) this.#hold(key, stored);
  }

  #hold(key: string, token: AuthToken): void {
    this.#held.set(key, new HeldToken(token, this.#clock, this.#settings, this.#random()));
  }

  /** One look of the background: at every scope that was asked for or is stored. Returns when the next is due. */
  async #check(): Promise<number> {
    if (this.#store.hasUnstored) await this.#store.flush();
    const record = await this.#lookAtCache();
    let nextDueInMs = Number.POSITIVE_INFINITY;
    for (const key of new Set([...this.#knownScopes, ...record.tokens.keys()])) {
      this.#adopt(key, record);
      const held = this.#held.get(key);
      const state = this.#stateOf(held);
      if (held !== undefined && (state === 'due' || state === 'expired')) this.#refreshBehind(key, held);
      else if (held !== undefined)
        nextDueInMs = Math.min(nextDueInMs, held.dueInMs(this.#clock.nowMs(), this.#clock.monotonicMs()));
    }
    return nextDueInMs;
  }

  #stateOf(held: HeldToken | undefined) {
    return held === undefined ? 'expired' : held.stateAt(this.#clock.nowMs(), this.#clock.monotonicMs());
  }

  #remainingMs(held: HeldToken): number {
    return held.remainingMs(this.#clock.nowMs(), this.#clock.monotonicMs());
  }

  #learnSkew(skewMs: number): void {
    const wasNotable = Math.abs(this.#clockSkewMs ?? 0) > NOTABLE_SKEW_MS;
    this.#clockSkewMs = skewMs;
    if (!wasNotable && Math.abs(skewMs) > NOTABLE_SKEW_MS)
      this.#events.publish({ type: 'clock.skewed', skewMs });
  }

  #tooShort(token: AuthToken, minValidMs: number): AuthError {
    return new AuthError(
      'KM_AUTH_LIFETIME_TOO_SHORT',
      `a token good for ${String(minValidMs)} ms was asked for, but the service issues tokens of ${String(token.lifetimeMs)} ms: ask for less`,
    );
  }
}
