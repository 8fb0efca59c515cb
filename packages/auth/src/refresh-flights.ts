import { untilAborted } from './abortable-wait.js';
import { AuthError, isAuthError } from './auth-error.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { loadRefreshing } from './load-refreshing.js';
import type { GrantRecord } from './grant-record.js';
import { momentNow, sinceMs, type Moment } from './moment.js';
import { adopt, adoptableToken, adoptionNow, type Need } from './need.js';
import { outpacedError } from './refresh-errors.js';
import type { Refreshing, RefreshingOptions } from './refreshing.js';
import { StoppableWaits } from './stoppable-waits.js';

export type RefreshFlightsOptions = {
  /** What each flight obtains its token with. */
  readonly refreshing: Omit<RefreshingOptions, 'waits'> & Pick<AuthManagerConfig, 'renewElsewhere'>;
  readonly clock: Clock;
  readonly events: EventPublisher;
};

/** How often the lock is taken for one flight by a process that stands still while it has it, so that others overtake it. */
const MOST_TURNS = 3;

/** Refreshes under way: one for each key of a token, shared by all who wait for it. Those of one grant take turns at its lock. */
export class RefreshFlights {
  readonly #options: RefreshFlightsOptions;
  readonly #waits: StoppableWaits;
  readonly #underway = new Map<string, Promise<AuthToken>>();
  /** Made with the first flight. */
  #refreshing: Refreshing | undefined;
  /** When the last flight failed for now; `undefined` once one brought a token, or failed for good. */
  #failedAt: Moment | undefined;
  /** No refresh starts in the background before this, by the monotonic clock. */
  #behindNotBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: RefreshFlightsOptions) {
    this.#options = options;
    this.#waits = new StoppableWaits(options.clock);
  }

  /** Whether the last flight failed, with an error that another try may mend, less than `retryIntervalMs` ago. */
  get hasJustFailed(): boolean {
    const { clock, refreshing } = this.#options;
    return (
      this.#failedAt !== undefined && sinceMs(this.#failedAt, clock) < refreshing.settings.retryIntervalMs
    );
  }

  underway(key: string): Promise<AuthToken> | undefined {
    return this.#underway.get(key);
  }

  /** The flight for a key: the one under way, or a new one. */
  fly(need: Need): Promise<AuthToken> {
    const underway = this.#underway.get(need.key);
    if (underway !== undefined) return need.minValidMs === 0 ? underway : this.#join(underway, need);
    const flight = this.#run(need).finally(() => {
      this.#underway.delete(need.key);
    });
    this.#underway.set(need.key, flight);
    return flight;
  }

  /** Starts a flight that nobody waits for, unless one is under way or has failed a moment ago. */
  flyBehind(need: Need, onStart?: () => void): void {
    const { clock, refreshing } = this.#options;
    if (this.#underway.has(need.key) || clock.monotonicMs() < this.#behindNotBeforeMs) return;
    onStart?.();
    this.fly(need).catch((error: unknown) => {
      if (this.#waits.isEnd(error)) return;
      this.#behindNotBeforeMs = clock.monotonicMs() + refreshing.settings.retryIntervalMs;
    });
  }

  /**
   * Ends every wait, for another try and for another process, and resolves when what was sent is answered and stored.
   * From then on nothing is sent, until `resume`: who waited for that answer may ask for the next token at once.
   */
  async settle(): Promise<void> {
    this.#waits.end();
    if (this.#underway.size === 0) return;
    await Promise.allSettled(this.#underway.values());
    // Who waited goes on first: a tick comes after every promise that is settled by now.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
  }

  /** Flights may send again: a manager that was stopped can still be asked. */
  resume(): void {
    this.#waits.resume();
  }

  /** Loads the code that refreshes: later, an upgrade may have replaced the library's files under a running program. */
  prepare(): void {
    loadRefreshing().catch(() => undefined);
  }

  /**
   * One transaction: take the grant's lock, read the cache again, take what another process obtained meanwhile;
   * otherwise ask the provider, store, release. What asks is loaded when nothing was there to take: of many processes
   * that find a token over at the same time, all but one only wait. Where `renewElsewhere` is given, another process has
   * had its turn before.
   */
  async #obtain(need: Need): Promise<AuthToken> {
    const { refreshing } = this.#options;
    const { store } = refreshing;
    // Taken now: a flight that began while the manager was stopping must not send anything after `resume` either.
    const { signal } = this.#waits;
    const adoptFrom = (record: Pick<GrantRecord, 'tokens'>): AuthToken | undefined => {
      const token = adoptableToken(record, need, adoptionNow(refreshing));
      return token === undefined ? undefined : adopt(token, need, refreshing);
    };
    const look = async (): Promise<AuthToken | undefined> => {
      const tokens = await store.readTokens();
      return tokens && adoptFrom({ tokens });
    };
    const transact = (): Promise<AuthToken | undefined> =>
      store.transact(
        async (hasLock) => {
          const record = await store.read();
          const token = adoptFrom(record);
          if (token !== undefined) return token;
          const { createRefreshing } = await loadRefreshing();
          signal.throwIfAborted();
          this.#refreshing ??= createRefreshing({ ...refreshing, waits: this.#waits });
          return this.#refreshing.run(record, need, hasLock);
        },
        look,
        signal,
      );
    const { renewElsewhere } = refreshing;
    // Others know nothing of a revocation, which has to be told, nor of a refresh token that could not be stored.
    const isForOthers = need.because !== 'revoked' && !store.hasUnstored;
    if (renewElsewhere !== undefined && isForOthers) {
      const token = await look();
      if (token !== undefined) return token;
      await this.#renewElsewhere(renewElsewhere, need, signal);
    }
    for (let turn = 1; turn <= MOST_TURNS; turn += 1) {
      const token = await transact();
      if (token !== undefined) return token;
    }
    throw outpacedError();
  }

  /** @throws {AuthError} what kept the other process from it, so that this one need not find out too. */
  async #renewElsewhere(
    renew: NonNullable<AuthManagerConfig['renewElsewhere']>,
    { key: scope, replaces, minValidMs }: Need,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const longerMs = replaces === undefined ? 0 : replaces.remainingMs(this.#options.clock.nowMs()) + 1;
    const wanted = { scope, replaces, minValidMs: Math.max(minValidMs, longerMs) };
    try {
      await untilAborted(renew(wanted), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAuthError(error)) throw error;
    }
  }

  /**
   * Those who began the flight may need less: a token that it takes over of another process is asked for again where a new
   * one would do. One that is new already could not be bettered.
   */
  async #join(underway: Promise<AuthToken>, need: Need): Promise<AuthToken> {
    const { clock } = this.#options;
    const joinedAtMs = clock.nowMs();
    const token = await underway;
    const isEnough = token.remainingMs(clock.nowMs()) >= need.minValidMs;
    const mayBeBettered = token.issuedAtMs < joinedAtMs && token.lifetimeMs >= need.minValidMs;
    return isEnough || !mayBeBettered ? token : this.fly({ ...need, replaces: token });
  }

  async #run(need: Need): Promise<AuthToken> {
    const { events, clock } = this.#options;
    try {
      const token = await this.#obtain(need);
      this.#failedAt = undefined;
      return token;
    } catch (error) {
      if (error instanceof AuthError && !this.#waits.isEnd(error)) {
        this.#failedAt = error.isRetryable ? momentNow(clock) : undefined;
        events.publish({
          type: 'refresh.failed',
          scope: need.key,
          code: error.code,
          message: error.message,
        });
      }
      throw error;
    }
  }
}
