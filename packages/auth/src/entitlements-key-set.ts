import type { JSONWebKeySet } from 'jose';
import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import { momentNow, sinceMs, type Moment } from './moment.js';

/** How long the keys that verify tokens are kept. */
export type KeySetSettings = {
  /** How long the keys are used without a look for newer ones, in milliseconds; 1 s to 7 days. Default 3 600 000. */
  readonly keysMaxAgeMs: number;
  /** How long they are used while newer ones cannot be had, in milliseconds from when they came; up to 30 days. Default 86 400 000. */
  readonly keysMaxStaleMs: number;
  /** The least time between two looks because of a key that is not known, in milliseconds; 1 s to a day. Default 30 000. */
  readonly keysCooldownMs: number;
};

/** The API's public keys, asked for no more often than is needed. */
export class EntitlementsKeySet {
  readonly #request: () => Promise<JSONWebKeySet>;
  readonly #clock: Clock;
  readonly #settings: KeySetSettings;
  #keys: { readonly keySet: JSONWebKeySet; readonly came: Moment } | undefined;
  #lastTry: (Moment & { readonly error: AuthError | undefined }) | undefined;
  #flight: Promise<JSONWebKeySet> | undefined;

  constructor(request: () => Promise<JSONWebKeySet>, clock: Clock, settings: KeySetSettings) {
    this.#request = request;
    this.#clock = clock;
    this.#settings = settings;
  }

  /**
   * The keys at hand, newer ones where those are old.
   *
   * @throws {AuthError} as `requestKeySet`, when there are none that may be used.
   */
  async current(): Promise<JSONWebKeySet> {
    const keys = this.#keys;
    if (keys === undefined) return this.#fetch();
    const ageMs = sinceMs(keys.came, this.#clock);
    const { keysMaxAgeMs, keysMaxStaleMs } = this.#settings;
    if (ageMs < keysMaxAgeMs) return keys.keySet;
    const mayGoOn = ageMs < keysMaxStaleMs;
    // Away from the network, one try a cool-down is enough: the keys at hand are good.
    if (mayGoOn && this.#lastTry?.error !== undefined && this.#isCoolingDown()) return keys.keySet;
    try {
      return await this.#fetch();
    } catch (error) {
      if (mayGoOn) return keys.keySet;
      throw error;
    }
  }

  /**
   * Newer keys than `seen`, in which a key was missing; `undefined` when it was asked for them a moment ago.
   *
   * @throws {AuthError} as `requestKeySet`, also for a try a moment ago that failed.
   */
  async newerThan(seen: JSONWebKeySet): Promise<JSONWebKeySet | undefined> {
    if (this.#keys !== undefined && this.#keys.keySet !== seen) return this.#keys.keySet;
    if (this.#flight === undefined && this.#isCoolingDown()) {
      if (this.#lastTry?.error !== undefined) throw this.#lastTry.error;
      return undefined;
    }
    return this.#fetch();
  }

  #fetch(): Promise<JSONWebKeySet> {
    this.#flight ??= this.#request()
      .then(
        (keySet) => {
          const now = momentNow(this.#clock);
          this.#keys = { keySet, came: now };
          this.#lastTry = { ...now, error: undefined };
          return keySet;
        },
        (error: unknown) => {
          if (error instanceof AuthError) this.#lastTry = { ...momentNow(this.#clock), error };
          throw error;
        },
      )
      .finally(() => {
        this.#flight = undefined;
      });
    return this.#flight;
  }

  #isCoolingDown(): boolean {
    return this.#lastTry !== undefined && sinceMs(this.#lastTry, this.#clock) < this.#settings.keysCooldownMs;
  }
}
