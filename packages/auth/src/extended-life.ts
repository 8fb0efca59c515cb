import { isAuthError } from './auth-error.js';
import type { GetTokenOptions } from './auth-manager.js';
import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { isFromTheFuture, type RefreshSettings } from './refresh-policy.js';
import type { TokenMemory } from './token-memory.js';

export type ExtendedLifeOptions = {
  readonly clock: Clock;
  readonly settings: Pick<RefreshSettings, 'retryIntervalMs' | 'refreshDeadlineMs'>;
  readonly events: EventPublisher;
  readonly memory: Pick<TokenMemory, 'lifeLeftMs'>;
};

/** Lets tokens live longer than they do, for callers that allow it, while no newer ones can be had. */
export class ExtendedLife {
  readonly #options: ExtendedLifeOptions;
  /** No newer token is waited for before this, by the monotonic clock. */
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: ExtendedLifeOptions) {
    this.#options = options;
  }

  /**
   * What `newer` brings, or `token` where that fails for now, or takes long, and the caller lets it live on.
   *
   * @throws {AuthError} what `newer` throws, where that is not for now, or `token` is over even so.
   */
  async unless(
    newer: () => Promise<AuthToken>,
    key: string,
    token: AuthToken | undefined,
    { offlineLifetimeMs = 0, minValidMs = 0 }: Pick<GetTokenOptions, 'offlineLifetimeMs' | 'minValidMs'>,
  ): Promise<AuthToken> {
    const { clock, memory } = this.#options;
    const livesOn = (one: AuthToken): boolean =>
      !isFromTheFuture(one, clock.nowMs()) && memory.lifeLeftMs(one) + offlineLifetimeMs > minValidMs;
    if (!(offlineLifetimeMs > 0) || token === undefined || !livesOn(token)) return newer();
    if (clock.monotonicMs() < this.#notBeforeMs) return token;
    return this.#newerAtOnce(newer(), key, token);
  }

  /** The newer token where nothing is amiss; else `token`, and what was begun goes on behind. */
  async #newerAtOnce(newer: Promise<AuthToken>, key: string, token: AuthToken): Promise<AuthToken> {
    const { clock, events, settings } = this.#options;
    const ends: (() => void)[] = [];
    const trouble = new Promise<undefined>((resolve) => {
      const end = (): void => {
        resolve(undefined);
      };
      ends.push(
        clock.schedule(end, settings.refreshDeadlineMs, true),
        events.subscribe((event) => {
          if (event.type === 'refresh.retried' && event.scope === key) end();
        }),
      );
    });
    try {
      const brought = await Promise.race([this.#orNothing(newer), trouble]);
      if (brought !== undefined) return brought;
    } finally {
      for (const end of ends) end();
    }
    this.#notBeforeMs = clock.monotonicMs() + settings.retryIntervalMs;
    const { fingerprint, expiresAtMs } = token;
    events.publish({ type: 'token.extended', scope: key, token: fingerprint, expiresAtMs });
    return token;
  }

  /** `undefined` where it fails for now. A failure that is for good ends what was let live on before it. */
  #orNothing(newer: Promise<AuthToken>): Promise<AuthToken | undefined> {
    const brought = newer.catch((error: unknown) => {
      if (isAuthError(error) && error.isRetryable) return undefined;
      this.#notBeforeMs = Number.NEGATIVE_INFINITY;
      throw error;
    });
    // It may come when nobody waits any more.
    brought.catch(() => undefined);
    return brought;
  }
}
