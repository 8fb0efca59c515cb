import type { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import {
  assertNoStorm,
  beginRequest,
  countedRequests,
  explainRequest,
  STORM_REQUESTS,
  STORM_WINDOW_MS,
} from './storm-brake.js';
import type { GrantRecord, SentRefresh } from './grant-record.js';
import type { GrantStore } from './grant-store.js';
import { withoutSentRefresh, withSentRefresh, withSuccessor } from './grant-changes.js';
import type { TokenGrant, TokenProvider, TokenRequest } from './ports.js';
import { asAuthError, failureOf } from './provider-failure.js';
import { retryDelayMs, type RefreshSettings } from './refresh-policy.js';
import { OwnRequests } from './own-requests.js';
import { overtakenError, unlockableError, unstorableError } from './refresh-errors.js';
import type { Secret } from './secret.js';
import type { StoppableWaits } from './stoppable-waits.js';
import { TokenRequestError, type TokenRequestFailure } from './token-request-error.js';
import { mayHaveBeenDone } from './try-later-status.js';

export type TokenRequestRunnerOptions = {
  readonly provider: TokenProvider;
  readonly store: GrantStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RefreshSettings;
  readonly events: EventPublisher;
  /** Those between two tries. What was sent is waited for in any case. */
  readonly waits: StoppableWaits;
};

/** How a refresh token is sent. */
export type RefreshSending = {
  /** Of the grant. Default true. */
  readonly hasLock?: boolean;
  /** Called when a request that failed may have been carried out; `isAnswerLost` where no answer came. */
  readonly onUncertain?: (isAnswerLost: boolean) => void;
};

/** What is about to be sent. */
type Sending = {
  /** The fingerprint of the refresh token; `undefined` where none is sent. */
  readonly sent: string | undefined;
  readonly proofKey: Secret | undefined;
  readonly nowMs: number;
  readonly before: GrantRecord;
  readonly hasLock: boolean;
};

/** Sends a token request, again where that may help, never faster than the rules allow. */
export class TokenRequestRunner {
  readonly #options: TokenRequestRunnerOptions;
  readonly #own = new OwnRequests();
  #isOffline = false;
  #isBraked = false;
  /** What is noted as sent, as far as the run that is under way knows. */
  #known: SentRefresh | undefined;

  constructor(options: TokenRequestRunnerOptions) {
    this.#options = options;
  }

  /** `record`, in which the request of this process that has failed counts. */
  settled(record: GrantRecord): GrantRecord {
    return this.#own.settled(record);
  }

  /** The last request is no part of a storm: the end of what it replaced explains it. */
  explain(): void {
    this.#own.explain();
  }

  /**
   * Tries up to `1 + maxRetries` times.
   *
   * @param key of the token that is wanted.
   * @throws {AuthError} the last failure; `KM_AUTH_STORM` when the brake is on; the reason of `waits` when they have
   *   ended before the first.
   */
  async run(
    request: TokenRequest,
    key: string,
    maxRetries: number,
    { hasLock = true, onUncertain }: RefreshSending = {},
  ): Promise<TokenGrant> {
    const { events, settings, random, waits } = this.#options;
    waits.signal.throwIfAborted();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#send(request, key, attempt, hasLock);
      } catch (error) {
        if (!(error instanceof TokenRequestError) || error.code !== 'KM_AUTH_UNREACHABLE') throw error;
        const { retryAfterMs, isAnswerLost = false, successor } = error.failure;
        // What this would send again was used up.
        if (successor !== undefined) throw error;
        if (mayHaveBeenDone(error.failure)) onUncertain?.(isAnswerLost);
        const delayMs = retryDelayMs(
          { attempt, retryAfterMs, isAnswerLost },
          { ...settings, maxRetries },
          random(),
        );
        // What became of a refresh token is asked for also by who stops: later the service may not say it any more.
        const isAtOnce = delayMs === 0 && isAnswerLost && request.grantType === 'refresh_token';
        if (delayMs === undefined || (waits.signal.aborted && !isAtOnce)) throw error;
        events.publish({
          type: 'refresh.retried',
          scope: key,
          attempt: attempt + 1,
          delayMs,
          reason: error.message,
        });
        if (!isAtOnce && !(await waits.wait(delayMs))) throw error;
      }
    }
  }

  async #send(request: TokenRequest, key: string, attempt: number, hasLock: boolean): Promise<TokenGrant> {
    const { provider, store, clock, events } = this.#options;
    const nowMs = clock.nowMs();
    const before = await store.read();
    const grantType = request.grantType === 'provider' ? request.grantName : request.grantType;
    this.#assertNoStorm(this.#own.counted(before), nowMs, grantType);
    const proofKey = await this.#proofKeyOf(before, request);
    const sent = request.grantType === 'refresh_token' ? request.refreshToken.fingerprint : undefined;
    // A later try knows what it noted itself: what stands there now may be another's.
    if (attempt === 1) this.#known = before.sentRefresh;
    await this.#noteSending({ sent, proofKey, nowMs, before, hasLock });
    events.publish({ type: 'refresh.started', scope: key, grantType, attempt });
    try {
      const grant = await provider.requestToken(
        proofKey === undefined ? request : ({ ...request, proofKey } as TokenRequest),
      );
      this.#setOffline(undefined);
      return grant;
    } catch (thrown) {
      const error = asAuthError(thrown);
      await this.#noteFailure(error, sent, before);
      throw error;
    }
  }

  /**
   * Stores what is about to be sent, as one write: the refresh token, that a request is under way, and the key it is bound to.
   *
   * @throws {AuthError} what keeps the refresh token from being sent.
   */
  async #noteSending({ sent, proofKey, nowMs, before, hasLock }: Sending): Promise<void> {
    const { store } = this.#options;
    let overtaken: AuthError | undefined;
    const isNoted = await store.note((record) => {
      overtaken = sent === undefined ? undefined : overtakenError(sent, this.#known, record);
      if (overtaken !== undefined) return record;
      const keyed = proofKey === undefined ? record : { ...record, proofKey };
      const begun = beginRequest(this.#own.counted(keyed), nowMs);
      return sent === undefined ? begun : withSentRefresh(begun, sent, nowMs);
    });
    if (overtaken !== undefined) throw overtaken;
    this.#own.begin(nowMs, isNoted);
    if (sent === undefined) return;
    if (isNoted) this.#known = { fingerprint: sent, atMs: nowMs };
    if (isNoted && hasLock) return;
    // One that lives in memory only is no worse off for being sent.
    if (!(await store.isOnlyInMemory(sent))) {
      this.#own.explain();
      await this.#takeBackNote(sent, nowMs, before);
      throw isNoted ? unlockableError() : unstorableError();
    }
    overtaken = overtakenError(sent, this.#known, await store.read());
    if (overtaken !== undefined) throw overtaken;
  }

  /** Stores what a failure tells: the successor of the refresh token, or what was noted and is not so. */
  async #noteFailure(error: AuthError, sent: string | undefined, before: GrantRecord): Promise<void> {
    const failure = failureOf(error);
    if (failure === undefined) return;
    if (error instanceof TokenRequestError) {
      const isOffline = error.code === 'KM_AUTH_UNREACHABLE' && failure.status === undefined;
      this.#setOffline(isOffline ? error.message : undefined);
    }
    const { successor } = failure;
    if (sent !== undefined && successor !== undefined) {
      await this.#options.store.update((now, when) =>
        withSuccessor(now, sent, successor, { ...before, ...when }),
      );
      return;
    }
    const wasUncertain = before.sentRefresh !== undefined && before.sentRefresh.fingerprint === sent;
    await this.#noteFailedTry(failure, sent !== undefined && !wasUncertain);
  }

  /** The key of the grant, or a new one. Whatever keeps the provider from making one, it will say when it is asked. */
  async #proofKeyOf({ proofKey }: GrantRecord, { grantType }: TokenRequest): Promise<Secret | undefined> {
    if (grantType !== 'refresh_token' && grantType !== 'provider') return undefined;
    return proofKey ?? this.#options.provider.createProofKey?.().catch(() => undefined);
  }

  /** The brake is told once, however many run into it. */
  #assertNoStorm(record: GrantRecord, nowMs: number, grantType: string): void {
    const requests = countedRequests(record, nowMs);
    const isBraked = requests >= STORM_REQUESTS;
    if (isBraked && !this.#isBraked)
      this.#options.events.publish({ type: 'storm.braked', requests, withinMs: STORM_WINDOW_MS });
    this.#isBraked = isBraked;
    assertNoStorm(record, nowMs, grantType);
  }

  /** What could not be noted whole may be there by half: nobody is to find a refresh token as sent that was not. */
  async #takeBackNote(fingerprint: string, atMs: number, { sentRefresh }: GrantRecord): Promise<void> {
    const { store } = this.#options;
    const isOurs = (record: GrantRecord): boolean =>
      record.sentRefresh?.fingerprint === fingerprint && record.sentRefresh.atMs === atMs;
    if (!isOurs(await store.read())) return;
    await store.note((record) => {
      if (!isOurs(record)) return record;
      return { ...withoutSentRefresh(record), ...(sentRefresh !== undefined && { sentRefresh }) };
    });
  }

  /** Takes back what the failure shows not to be so: that the service was asked, that a refresh token was used. */
  async #noteFailedTry(failure: TokenRequestFailure, isNoteOurs: boolean): Promise<void> {
    const wasNeverSent = failure.isAnswerLost === false;
    const endsNote = isNoteOurs && !mayHaveBeenDone(failure);
    if (wasNeverSent) this.#own.explain();
    if (!wasNeverSent && !endsNote) return;
    await this.#options.store.note((record) => {
      const counted = wasNeverSent ? explainRequest(record) : record;
      return endsNote ? withoutSentRefresh(counted) : counted;
    });
  }

  #setOffline(reason: string | undefined): void {
    const isOffline = reason !== undefined;
    if (isOffline === this.#isOffline) return;
    this.#isOffline = isOffline;
    this.#options.events.publish(isOffline ? { type: 'offline.entered', reason } : { type: 'offline.left' });
  }
}
