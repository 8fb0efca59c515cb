import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { GrantRecord } from './grant-record.js';
import { HeldToken, type HeldState } from './held-token.js';
import { isUsable, type RefreshSettings } from './refresh-policy.js';

export type TokenMemoryOptions = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RefreshSettings;
};

/** The tokens of one grant in this process's memory, by scope key. */
export class TokenMemory {
  readonly #options: TokenMemoryOptions;
  readonly #held = new Map<string, HeldToken>();
  /** Every scope that was ever asked for. */
  readonly #known = new Set<string>();

  constructor(options: TokenMemoryOptions) {
    this.#options = options;
  }

  /** The token that can be handed out with no further thought, as a promise made before. The hot path. */
  fresh(scope: string): Promise<AuthToken> | undefined {
    const held = this.#held.get(scope);
    const { clock } = this.#options;
    return held?.isFresh(clock.nowMs(), clock.monotonicMs()) === true ? held.promise : undefined;
  }

  get(key: string): HeldToken | undefined {
    return this.#held.get(key);
  }

  /** Remembers that a scope was asked for. */
  note(key: string): void {
    this.#known.add(key);
  }

  /** Every scope that was asked for, or that `record` has a token of. */
  scopesWith(record: GrantRecord): Iterable<string> {
    return new Set([...this.#known, ...record.tokens.keys()]);
  }

  hold(key: string, token: AuthToken): void {
    const { clock, settings, random } = this.#options;
    this.#held.set(key, new HeldToken(token, clock, settings, random()));
  }

  /** Takes what the cache says of a scope: another process may have refreshed, revoked, or logged out. */
  adopt(key: string, record: GrantRecord): void {
    const stored = record.tokens.get(key);
    if (stored === undefined) this.#held.delete(key);
    else if (isUsable(stored, this.#options.clock.nowMs())) this.hold(key, stored);
  }

  /** Forgets a token that was rejected, if it is still the one at hand. */
  drop(key: string, rejected: AuthToken | undefined): void {
    if (this.#held.get(key)?.token.fingerprint === rejected?.fingerprint) this.#held.delete(key);
  }

  clear(): void {
    this.#held.clear();
  }

  stateOf(held: HeldToken | undefined): HeldState {
    const { clock } = this.#options;
    return held === undefined ? 'expired' : held.stateAt(clock.nowMs(), clock.monotonicMs());
  }

  remainingMs(held: HeldToken): number {
    const { clock } = this.#options;
    return held.remainingMs(clock.nowMs(), clock.monotonicMs());
  }

  dueInMs(held: HeldToken): number {
    const { clock } = this.#options;
    return held.dueInMs(clock.nowMs(), clock.monotonicMs());
  }
}
