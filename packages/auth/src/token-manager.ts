import { untilAborted, withinDeadline } from './abortable-wait.js';
import { isAuthError } from './auth-error.js';
import type { AuthEventListener } from './auth-event.js';
import type { AuthManager, ForceRefreshOptions, GetTokenOptions } from './auth-manager.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import type { AuthToken } from './auth-token.js';
import { BackgroundCheck } from './background-check.js';
import type { Clock } from './clock.js';
import type { Credential } from './credential.js';
import { EventPublisher } from './event-publisher.js';
import { ExtendedLife } from './extended-life.js';
import type { GrantKey } from './grant-record.js';
import { ExpiryWatch } from './expiry-watch.js';
import { GrantStore } from './grant-store.js';
import type { HeldToken } from './held-token.js';
import { assertLifetimes } from './lifetime-options.js';
import { createRevoke } from './load-revoking.js';
import { needByTime } from './need.js';
import type { TokenCache, TokenProvider } from './ports.js';
import { RefreshFlights } from './refresh-flights.js';
import type { RefreshSettings } from './refresh-policy.js';
import { lifetimeTooShort } from './refresh-errors.js';
import { DEFAULT_SCOPE, type Scope } from './scope.js';
import { targetSuffix } from './token-key.js';
import { SkewWatch } from './skew-watch.js';
import { TokenMemory } from './token-memory.js';

export type TokenManagerOptions = Pick<AuthManagerConfig, 'renewElsewhere'> & {
  readonly key: GrantKey;
  readonly credential: Credential | undefined;
  readonly provider: TokenProvider;
  readonly cache: TokenCache;
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RefreshSettings;
  /** The origin the tokens go to. */
  readonly apiOrigin: string;
  readonly loginCommand: (scopes: readonly string[]) => string;
};

/**
 * Keeps the tokens of one grant good. A due token is handed out, and `#refreshBehind` starts a flight (`refresh-flights.ts`):
 * it takes the lock, reads the cache again, and runs a `RefreshTransaction` only where no other process was faster.
 */
export class TokenManager implements AuthManager {
  readonly profile: string;
  readonly apiOrigin: string;
  readonly revoke: AuthManager['revoke'];
  readonly #clock: Clock;
  readonly #settings: RefreshSettings;
  readonly #events: EventPublisher;
  readonly #store: GrantStore;
  readonly #expiry: ExpiryWatch;
  readonly #memory: TokenMemory;
  readonly #flights: RefreshFlights;
  readonly #extendedLife: ExtendedLife;
  readonly #background: BackgroundCheck;
  readonly #skew: SkewWatch;

  constructor(options: TokenManagerOptions) {
    const { key, clock, settings, provider } = options;
    this.profile = key.profile;
    this.apiOrigin = options.apiOrigin;
    this.#clock = clock;
    this.#settings = settings;
    this.#events = new EventPublisher(key.profile, clock);
    this.#store = new GrantStore(options.cache, key, this.#events, clock);
    this.#skew = new SkewWatch(this.#events);
    this.#expiry = new ExpiryWatch(this.#events, clock);
    const shared = { ...options, store: this.#store, events: this.#events, expiry: this.#expiry };
    this.#memory = new TokenMemory({ ...shared, keySuffix: targetSuffix(provider.issuer?.target ?? {}) });
    this.revoke = createRevoke({ ...shared, memory: this.#memory });
    this.#flights = new RefreshFlights({
      ...shared,
      refreshing: {
        ...shared,
        isNarrowing: provider.issuer !== undefined,
        isOver: (token) => this.#memory.isOver(token),
        onTokensCleared: () => {
          this.#memory.clear();
        },
        onClockSkew: (skewMs) => {
          this.#skew.learn(skewMs);
        },
        onToken: (tokenKey, token) => {
          this.#background.hasten(this.#memory.dueInMs(this.#memory.hold(tokenKey, token)));
        },
      },
    });
    this.#extendedLife = new ExtendedLife({ ...shared, memory: this.#memory, flights: this.#flights });
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
    return this.#skew.skewMs;
  }

  getValidToken(scope: Scope = DEFAULT_SCOPE, options?: GetTokenOptions): Promise<AuthToken> {
    const fresh = options === undefined && typeof scope === 'string' ? this.#memory.fresh(scope) : undefined;
    return fresh ?? this.#getValidToken(scope, options ?? {});
  }

  async forceRefresh(scope: Scope = DEFAULT_SCOPE, options: ForceRefreshOptions = {}): Promise<AuthToken> {
    const { signal, isRevoked = false } = options;
    const key = this.#memory.keyFor(scope);
    let rejected = options.rejected ?? this.#memory.get(key)?.token;
    rejected ??= (await untilAborted(this.#store.lookAtTokens(), signal))?.get(key);
    const underway = this.#flights.underway(key);
    if (underway !== undefined) {
      // A flight that began before the token was rejected may bring the very same token.
      const token = await untilAborted(
        underway.catch(() => undefined),
        signal,
      );
      if (token !== undefined && token.fingerprint !== rejected?.fingerprint) return token;
    }
    this.#memory.distrust(key, rejected);
    const because = isRevoked ? 'revoked' : 'rejected';
    return untilAborted(this.#flights.fly({ key, replaces: rejected, because, minValidMs: 0 }), signal);
  }

  async clearCache(): Promise<void> {
    this.#memory.clear();
    await this.#store.clearTokens();
  }

  start(): void {
    this.#flights.prepare();
    this.#background.start();
  }

  async stop(): Promise<void> {
    this.#background.stop();
    await this.#flights.settle();
    await this.#store.settle();
    this.#flights.resume();
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
    assertLifetimes(options);
    const key = this.#memory.keyFor(scope);
    let held = this.#memory.get(key);
    let state = this.#memory.stateOf(held);
    if (state === 'expired' || state === 'unchecked') {
      if (held !== undefined) this.#flights.prepare();
      const { changes } = this.#memory;
      if (this.#memory.mayGoUnchecked(held)) this.#memory.adoptLater(key, this.#store.lookAtTokens());
      else this.#memory.adopt(key, await untilAborted(this.#store.lookAtTokens(), signal), changes);
      held = this.#memory.get(key);
      state = this.#memory.stateOf(held);
    }
    if (held === undefined || state === 'expired' || this.#memory.remainingMs(held) < minValidMs)
      return this.#awaitNewer(key, held, options);
    if (state === 'due')
      return wait === 'if-due' ? this.#newerInTime(key, held, options) : this.#refreshBehind(key, held);
    return held.token;
  }

  /** None that will do is at hand: the caller waits, unless it lets what is at hand live on. */
  #awaitNewer(key: string, held: HeldToken | undefined, options: GetTokenOptions): Promise<AuthToken> {
    const { signal, minValidMs = 0 } = options;
    const newer = (): Promise<AuthToken> => this.#awaitFlight(key, held, minValidMs, signal);
    const atHand = async (): Promise<AuthToken | undefined> => {
      const tokens = await untilAborted(this.#store.lookAtTokens(), signal);
      return tokens === undefined ? this.#memory.get(key)?.token : tokens.get(key);
    };
    return this.#extendedLife.choose(key, { newer, atHand }, options);
  }

  /** The caller waits. A token in its last moments is still better than none. */
  async #awaitFlight(
    key: string,
    held: HeldToken | undefined,
    minValidMs: number,
    signal: AbortSignal | undefined,
  ): Promise<AuthToken> {
    const isNew = held !== undefined && ['fresh', 'unchecked'].includes(this.#memory.stateOf(held));
    // What was issued for less than is wanted is not asked for again.
    if (isNew && held.token.lifetimeMs < minValidMs) throw lifetimeTooShort(held.token, minValidMs);
    let token: AuthToken;
    try {
      token = await untilAborted(this.#flights.fly(needByTime(key, held?.token, minValidMs)), signal);
    } catch (error) {
      const isLastMoment = held !== undefined && this.#memory.remainingMs(held) > minValidMs;
      if (isLastMoment && isAuthError(error) && error.isRetryable) return held.token;
      throw error;
    }
    if (token.remainingMs(this.#clock.nowMs()) < minValidMs) throw lifetimeTooShort(token, minValidMs);
    return token;
  }

  /** A due token is handed out at once; the refresh runs behind. */
  #refreshBehind(key: string, held: HeldToken): AuthToken {
    const { token } = held;
    this.#flights.flyBehind(needByTime(key, token), () => {
      const remainingMs = this.#memory.remainingMs(held);
      this.#events.publish({ type: 'token.due', scope: key, token: token.fingerprint, remainingMs });
    });
    return token;
  }

  /** The newer token, if it comes within `refreshDeadlineMs`; otherwise the due one. */
  async #newerInTime(key: string, held: HeldToken, options: GetTokenOptions): Promise<AuthToken> {
    const token = this.#refreshBehind(key, held);
    const flight = this.#flights.underway(key);
    if (flight === undefined) return token;
    const newer = await untilAborted(
      withinDeadline(flight, token, this.#clock, this.#settings.refreshDeadlineMs),
      options.signal,
    );
    const isOver = newer === token && this.#memory.stateOf(held) === 'expired';
    return isOver ? this.#awaitNewer(key, held, options) : newer;
  }

  /** One look of the background. Returns the milliseconds until something is due. */
  async #check(): Promise<number> {
    await this.#store.storeAgain();
    const { changes } = this.#memory;
    const { record, isRead } = await this.#store.look();
    this.#expiry.look(record);
    let nextDueInMs = Number.POSITIVE_INFINITY;
    if (!this.#background.isRunning) return nextDueInMs;
    for (const key of this.#memory.keysWith(record)) {
      const held = this.#memory.adopt(key, isRead ? record.tokens : undefined, changes);
      const state = this.#memory.stateOf(held);
      const stored = record.tokens.get(key);
      if (held === undefined && stored !== undefined) this.#flights.flyBehind(needByTime(key, stored));
      else if (held !== undefined && (state === 'due' || state === 'expired')) this.#refreshBehind(key, held);
      else if (held !== undefined) nextDueInMs = Math.min(nextDueInMs, this.#memory.dueInMs(held));
    }
    return nextDueInMs;
  }
}
