import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import type { GrantRecord } from './grant-record.js';
import { HeldToken, type HeldState } from './held-token.js';
import { momentNow } from './moment.js';
import { endedLongAgo, isUsable, type RefreshSettings } from './refresh-policy.js';
import type { Scope } from './scope.js';
import { tokenKey } from './token-key.js';

export type TokenMemoryOptions = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RefreshSettings;
  readonly events: EventPublisher;
  /** What the keys of these tokens have after their scopes. */
  readonly keySuffix: string;
};

/** The tokens of one grant in this process's memory, by key. */
export class TokenMemory {
  readonly #options: TokenMemoryOptions;
  readonly #held = new Map<string, HeldToken>();
  /** The key of every token that was ever asked for. */
  readonly #known = new Set<string>();
  #changes = 0;
  /** What `changes` was made by the last change to each. */
  readonly #changedAt = new Map<string, number>();
  #clearedAt = 0;
  /** The wall clock, as last read by the hot path. */
  #wallMs = 0;
  #wallReadAtMonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(options: TokenMemoryOptions) {
    this.#options = options;
  }

  /** The token that can be handed out with no further thought, as a promise made before. The hot path. */
  fresh(scope: string): Promise<AuthToken> | undefined {
    const { clock, keySuffix } = this.#options;
    const held = this.#held.get(scope + keySuffix);
    if (held === undefined) return undefined;
    const monotonicMs = clock.monotonicMs();
    const sinceReadMs = monotonicMs - this.#wallReadAtMonotonicMs;
    // Reading a clock costs more than the rest of a hit, so the wall clock is read once a millisecond. Not
    // less: the machine may have slept. And always where the other clock has not moved, which tells nothing.
    if (!(sinceReadMs > 0 && sinceReadMs < 1)) {
      this.#wallMs = clock.nowMs();
      this.#wallReadAtMonotonicMs = monotonicMs;
    }
    return held.isFresh(this.#wallMs, monotonicMs) ? held.promise : undefined;
  }

  /** How often a token here was taken, removed or distrusted. A look at the cache is as old as this was when it began. */
  get changes(): number {
    return this.#changes;
  }

  get(key: string): HeldToken | undefined {
    return this.#held.get(key);
  }

  /**
   * The key of the token for `scope`, which is remembered as asked for.
   *
   * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when `scope` is none.
   */
  keyFor(scope: Scope): string {
    const key = tokenKey(scope, this.#options.keySuffix);
    this.#known.add(key);
    return key;
  }

  /** The key of every token to keep good: that was asked for, or that `record` has, unless that ended long ago. */
  keysWith(record: GrantRecord): Iterable<string> {
    const nowMs = this.#options.clock.nowMs();
    const stored = [...record.tokens].filter(
      ([key, token]) => this.#held.has(key) || !endedLongAgo(token, nowMs),
    );
    return new Set([...this.#known, ...stored.map(([key]) => key)]);
  }

  hold(key: string, token: AuthToken): HeldToken {
    const { clock, settings, random } = this.#options;
    const held = new HeldToken(token, clock, settings, random(), this.#same(token, key));
    this.#held.set(key, held);
    this.#changed(key);
    return held;
  }

  /** Whether a token is over by what is known of it here, whatever the wall clock says. */
  isOver(token: AuthToken): boolean {
    const held = this.#same(token);
    return held !== undefined && this.stateOf(held) === 'expired';
  }

  /** The token as it is in memory already, under its own scope or under another that shares it. */
  #same(token: AuthToken, key = ''): HeldToken | undefined {
    // A process that ends with its first token need not know what that is called.
    if (this.#held.size === 0) return undefined;
    const { fingerprint } = token;
    // Mostly it is under its own key: who holds a thousand looks at each of them now and then.
    const held = this.#held.get(key);
    if (held?.token.fingerprint === fingerprint) return held;
    return [...this.#held.values()].find((other) => other.token.fingerprint === fingerprint);
  }

  /**
   * Takes what a look at the cache says of a token: another process may have refreshed, revoked, or logged out. Where
   * something has happened to the token here since the look began, what was seen may be from before, and does not count.
   *
   * @param tokens `undefined` where the cache could not be read.
   * @param changes what `changes` was when the look began.
   * @returns what is in memory then.
   */
  adopt(key: string, tokens: GrantRecord['tokens'] | undefined, changes: number): HeldToken | undefined {
    const { clock, events } = this.#options;
    const held = this.#held.get(key);
    if ((this.#changedAt.get(key) ?? this.#clearedAt) > changes) return held;
    const stored = tokens?.get(key);
    if (tokens === undefined) held?.lookFailed(momentNow(clock));
    else if (stored === undefined) {
      this.#held.delete(key);
      this.#changed(key);
    } else if (isUsable(stored, clock.nowMs())) {
      this.hold(key, stored);
      // A process that ends with this token mostly has nobody to tell, and need not know what the token is called.
      if (events.isHeard && held?.token.fingerprint !== stored.fingerprint) {
        const { fingerprint, expiresAtMs } = stored;
        events.publish({ type: 'token.adopted', scope: key, token: fingerprint, expiresAtMs });
      }
    }
    return this.#held.get(key);
  }

  /** As `adopt`, once a look at the cache that begins now is over: nobody waits for it, and it never fails. */
  adoptLater(key: string, look: Promise<GrantRecord['tokens'] | undefined>): void {
    const { changes } = this;
    void look.then((tokens) => this.adopt(key, tokens, changes));
  }

  /** Marks a rejected token, if it is still the one at hand: it is checked with the cache before it is handed out again. */
  distrust(key: string, rejected: AuthToken | undefined): void {
    const held = this.#held.get(key);
    if (held?.token.fingerprint !== rejected?.fingerprint) return;
    held?.distrust();
    this.#changed(key);
  }

  /** What is held under `key`, or all that is held. */
  tokens(key: string | undefined): readonly (readonly [string, AuthToken])[] {
    return [...this.#held]
      .filter(([each]) => key === undefined || each === key)
      .map(([each, { token }]) => [each, token]);
  }

  /** Removes the tokens with these fingerprints, under whatever keys they are held: all of `key`, or all that there are. */
  remove(key: string | undefined, fingerprints: readonly string[]): void {
    if (key === undefined) {
      this.clear();
      return;
    }
    this.#changed(key);
    for (const [each, { token }] of this.#held) {
      if (!fingerprints.includes(token.fingerprint)) continue;
      this.#held.delete(each);
      this.#changed(each);
    }
  }

  clear(): void {
    this.#held.clear();
    this.#changedAt.clear();
    this.#clearedAt = this.#changes += 1;
  }

  #changed(key: string): void {
    this.#changedAt.set(key, (this.#changes += 1));
  }

  stateOf(held: HeldToken | undefined): HeldState {
    const { clock } = this.#options;
    return held === undefined ? 'expired' : held.stateAt(momentNow(clock));
  }

  /** Whether a token is good, and a look at the cache has failed so lately that nobody should wait for the next. */
  mayGoUnchecked(held: HeldToken | undefined): boolean {
    const { clock } = this.#options;
    const isGood = held !== undefined && this.stateOf(held) === 'unchecked';
    return isGood && held.isLookFailing(momentNow(clock));
  }

  remainingMs(held: HeldToken): number {
    const { clock } = this.#options;
    return held.remainingMs(momentNow(clock));
  }

  /** Milliseconds until a token expires by all that is known of it here; below 0 when it has. */
  lifeLeftMs(token: AuthToken): number {
    const held = this.#same(token);
    const leftMs = token.expiresAtMs - this.#options.clock.nowMs();
    return held === undefined ? leftMs : Math.min(leftMs, this.remainingMs(held));
  }

  dueInMs(held: HeldToken): number {
    const { clock } = this.#options;
    return held.dueInMs(momentNow(clock));
  }
}
