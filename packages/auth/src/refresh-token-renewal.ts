import { isAuthError, type AuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { EventPublisher } from './event-publisher.js';
import { withoutRefreshToken, withoutTokens } from './grant-changes.js';
import type { GrantRecord, RefreshToken } from './grant-record.js';
import type { GrantStore } from './grant-store.js';
import { adoptableToken, adoptionNow, type Adoption, type Need } from './need.js';
import type { TokenGrant, TokenRequest } from './ports.js';
import { failureOf } from './provider-failure.js';
import type { RefreshSettings } from './refresh-policy.js';
import { securityReasonOf } from './security-reason.js';
import { scopesOfKey, targetOfKey } from './token-key.js';
import type { TokenRequestRunner } from './token-request-runner.js';

/** What became of a refresh token that was sent. */
export type RenewalOutcome =
  | {
      readonly kind: 'renewed';
      readonly grant: TokenGrant;
      readonly scopes: readonly string[] | undefined;
      /** The fingerprint of the refresh token that was sent. */
      readonly sent: string;
    }
  /** Somebody else had renewed it. */
  | { readonly kind: 'adopted'; readonly token: AuthToken }
  /** Somebody else has replaced it, so that this process may not have the lock any more: what is there now is not to be sent. */
  | { readonly kind: 'overtaken' }
  /** It is gone, and removed from the cache. */
  | { readonly kind: 'gone'; readonly why: string; readonly error: AuthError };

export type RefreshTokenRenewalOptions = {
  readonly store: GrantStore;
  readonly runner: TokenRequestRunner;
  readonly clock: Clock;
  readonly settings: RefreshSettings;
  readonly events: EventPublisher;
  readonly isOver: Adoption['isOver'];
  /** Whether a refresh asks for the scopes of one token, not for all that the login serves. */
  readonly isNarrowing: boolean;
  /** Is told when a security event has cleared every token of the profile. */
  readonly onTokensCleared: () => void;
};

/** Renews a grant with its refresh token, and knows what it means when that fails. */
export class RefreshTokenRenewal {
  readonly #options: RefreshTokenRenewalOptions;

  constructor(options: RefreshTokenRenewalOptions) {
    this.#options = options;
  }

  /**
   * @throws {AuthError} when the refresh token may still be good: nothing stored was touched.
   */
  async renew(
    record: GrantRecord,
    refreshToken: RefreshToken,
    need: Need,
    hasLock: boolean,
  ): Promise<RenewalOutcome> {
    const { runner, settings, events } = this.#options;
    const { secret, scopes } = refreshToken;
    const { sentRefresh } = record;
    let mayBeUsed = sentRefresh?.fingerprint === secret.fingerprint;
    const tellLost = (sentAtMs: number): void => {
      events.publish({ type: 'refresh.answer-lost', refreshToken: secret.fingerprint, sentAtMs });
    };
    if (mayBeUsed && sentRefresh !== undefined) tellLost(sentRefresh.atMs);
    try {
      const grant = await runner.run(this.#request(refreshToken, need), need.key, settings.maxRetries, {
        hasLock,
        onUncertain: (isAnswerLost) => {
          mayBeUsed = true;
          if (isAnswerLost) tellLost(this.#options.clock.nowMs());
        },
      });
      return { kind: 'renewed', grant, scopes, sent: secret.fingerprint };
    } catch (error) {
      if (!isAuthError(error, 'KM_AUTH_GRANT_REJECTED')) throw error;
      return this.#afterRejection(refreshToken, need, error, mayBeUsed);
    }
  }

  #request({ secret, scopes }: RefreshToken, need: Need): TokenRequest {
    const asked = this.#options.isNarrowing ? scopesOfKey(need.key) : scopes;
    return {
      grantType: 'refresh_token',
      refreshToken: secret,
      ...(asked !== undefined && { scopes: asked }),
      ...(this.#options.isNarrowing && { target: targetOfKey(need.key) }),
    };
  }

  /**
   * Looks at the cache again before it gives up; then removes that refresh token, and only it.
   *
   * @param mayBeUsed whether this login may itself have used it, without an answer that brought the next.
   */
  async #afterRejection(
    refreshToken: RefreshToken,
    need: Need,
    error: AuthError,
    mayBeUsed: boolean,
  ): Promise<RenewalOutcome> {
    const { store, events, onTokensCleared } = this.#options;
    const { fingerprint } = refreshToken.secret;
    const { record, isRead } = await store.look();
    const token = adoptableToken(record, need, adoptionNow(this.#options));
    if (token !== undefined) return { kind: 'adopted', token };
    if (record.refreshToken !== undefined && record.refreshToken.secret.fingerprint !== fingerprint)
      return { kind: 'overtaken' };
    const reason = securityReasonOf(error);
    // A server that sees a reuse ends the access tokens as well.
    await store.update((current) => {
      const cleared = withoutRefreshToken(current, fingerprint);
      return reason === undefined ? cleared : withoutTokens(cleared);
    });
    if (reason !== undefined) onTokensCleared();
    // Where somebody else has removed it, nothing is left to clear.
    if (record.refreshToken !== undefined || !isRead)
      events.publish({ type: 'grant.cleared', refreshToken: fingerprint, reason: error.message });
    const wasSent = failureOf(error)?.isAnswerLost !== false;
    if (mayBeUsed && wasSent) return { kind: 'gone', error, why: this.#lostAnswer(error) };
    // Of a revoked access token the user was told already.
    const isNews = reason !== undefined && need.because !== 'revoked';
    if (isNews) events.publish({ type: 'security.event', reason, message: error.message });
    return { kind: 'gone', error, why: error.message };
  }

  #lostAnswer(error: AuthError): string {
    return (
      'the refresh token was sent and the answer was lost on the way back, so that the service counts it as ' +
      `used while nobody has the one that replaced it (${error.message})`
    );
  }
}
