import { isAuthError } from './auth-error.js';
import type { GetTokenOptions } from './auth-manager.js';
import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { needByTime } from './need.js';
import type { RefreshFlights } from './refresh-flights.js';
import { isFromTheFuture, type RefreshSettings } from './refresh-policy.js';
import type { TokenMemory } from './token-memory.js';

export type ExtendedLifeOptions = {
  readonly clock: Clock;
  readonly settings: Pick<RefreshSettings, 'refreshDeadlineMs'>;
  readonly events: EventPublisher;
  readonly memory: Pick<TokenMemory, 'lifeLeftMs'>;
  readonly flights: Pick<RefreshFlights, 'hasJustFailed' | 'underway' | 'flyBehind'>;
};

/** The two tokens of which a caller gets one. */
export type Candidates = {
  /** Waits for a newer one. */
  readonly newer: () => Promise<AuthToken>;
  /** Looks for the one that there is by now, be it over. */
  readonly atHand: () => Promise<AuthToken | undefined>;
};

/** Lets tokens live longer than they do, for callers that allow it, while no newer ones can be had. */
export class ExtendedLife {
  readonly #options: ExtendedLifeOptions;
  /** Flights of which a try has failed, or that take long. */
  readonly #troubled = new WeakSet<Promise<AuthToken>>();
  /** By key, the token of which it was told last that it lives on. */
  readonly #told = new Map<string, string>();

  constructor(options: ExtendedLifeOptions) {
    this.#options = options;
  }

  /**
   * The newer token; or the one at hand, where the newer one cannot be had for now, or not at once, and the caller lets the
   * one at hand live on.
   *
   * @throws {AuthError} what `newer` throws.
   */
  async choose(key: string, { newer, atHand }: Candidates, options: GetTokenOptions): Promise<AuthToken> {
    const { flights } = this.#options;
    const { offlineLifetimeMs = 0, minValidMs = 0 } = options;
    if (offlineLifetimeMs === 0) return newer();
    const living = async (): Promise<AuthToken | undefined> => {
      const token = await atHand();
      return token !== undefined && this.#lifeLeftMs(token) + offlineLifetimeMs > minValidMs
        ? token
        : undefined;
    };
    const token = await living();
    if (token === undefined) return newer();
    if (flights.hasJustFailed) {
      flights.flyBehind(needByTime(key, token));
      return this.#handOut(key, token);
    }
    const coming = newer();
    const brought = await this.#atOnce(coming, key);
    if (brought !== undefined) return brought;
    // It may have been cleared meanwhile.
    const still = await living();
    return still === undefined ? coming : this.#handOut(key, still);
  }

  #lifeLeftMs(token: AuthToken): number {
    const { clock, memory } = this.#options;
    return isFromTheFuture(token, clock.nowMs()) ? Number.NEGATIVE_INFINITY : memory.lifeLeftMs(token);
  }

  /** What `coming` brings; `undefined` as soon as something is amiss, and after `refreshDeadlineMs`. It goes on in the background. */
  async #atOnce(coming: Promise<AuthToken>, key: string): Promise<AuthToken | undefined> {
    const { clock, events, settings, flights } = this.#options;
    const flight = flights.underway(key);
    const brought = coming.catch((error: unknown) => {
      const mayDoWithout = ['KM_AUTH_CACHE', 'KM_AUTH_LIFETIME_TOO_SHORT'];
      if (isAuthError(error) && (error.isRetryable || mayDoWithout.includes(error.code))) return undefined;
      throw error;
    });
    // It may come when nobody waits any more.
    brought.catch(() => undefined);
    if (flight !== undefined && this.#troubled.has(flight)) return undefined;
    const ends: (() => void)[] = [];
    const trouble = new Promise<undefined>((resolve) => {
      const end = (): void => {
        if (flight !== undefined) this.#troubled.add(flight);
        resolve(undefined);
      };
      ends.push(
        clock.schedule(end, settings.refreshDeadlineMs, true),
        events.watch((event) => {
          // A try that is made again at once is the same one still.
          if (event.type === 'refresh.retried' && event.scope === key && event.delayMs > 0) end();
        }),
      );
    });
    try {
      return await Promise.race([brought, trouble]);
    } finally {
      for (const end of ends) end();
    }
  }

  #handOut(key: string, token: AuthToken): AuthToken {
    const { fingerprint, expiresAtMs } = token;
    if (this.#told.get(key) !== fingerprint) {
      this.#told.set(key, fingerprint);
      this.#options.events.publish({ type: 'token.extended', scope: key, token: fingerprint, expiresAtMs });
    }
    return token;
  }
}
