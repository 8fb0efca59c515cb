import { AuthError, isAuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import { mintingRequest, type Credential } from './credential.js';
import { withAnswer, withFailure, withoutRefreshToken, withoutTokens } from './grant-changes.js';
import type { GrantRecord, RefreshToken } from './grant-record.js';
import { adopted, type Need } from './need.js';
import type { TokenGrant } from './ports.js';
import { isLongRest } from './refresh-policy.js';
import { assertRested, loginRequired, unlockableError, unreadableError } from './refresh-refusal.js';
import {
  RefreshTokenRenewal,
  type RefreshTokenRenewalOptions,
  type RenewalOutcome,
} from './refresh-token-renewal.js';
import { coversScopes, DEFAULT_SCOPE, scopeTokens } from './scope.js';
import { explainRequest, isExplained } from './storm-brake.js';
import { TokenRequestError } from './token-request-error.js';

export type RefreshTransactionOptions = RefreshTokenRenewalOptions & {
  readonly credential: Credential | undefined;
  /** The command that logs this profile in. */
  readonly loginCommand: string;
  readonly onClockSkew: (skewMs: number) => void;
};

/** An answer and how it was won. */
type Won = {
  readonly grant: TokenGrant;
  readonly scopes: readonly string[] | undefined;
  readonly grantType: string;
};

/** What a login whose scopes are not known serves, as far as the token it brought tells. */
function servedScopes(token: AuthToken, wanted: string): readonly string[] | undefined {
  if (token.scopes.length === 0) return undefined;
  return wanted === DEFAULT_SCOPE ? [...token.scopes, DEFAULT_SCOPE] : token.scopes;
}

/** What becomes of a refresh whose caller holds the grant's lock and found nothing to adopt: ask the provider, store. */
export class RefreshTransaction {
  readonly #options: RefreshTransactionOptions;
  readonly #renewal: RefreshTokenRenewal;
  /** The revoked token of which the user was told last. */
  #toldRevoked: string | undefined;

  constructor(options: RefreshTransactionOptions) {
    this.#options = options;
    this.#renewal = new RefreshTokenRenewal(options);
  }

  /**
   * @param record what is stored, read under the lock.
   * @param isShared whether the lock is held; see `GrantStore.transact`.
   * @throws {AuthError} as `AuthManager.getValidToken`.
   */
  async run(record: GrantRecord, need: Need, isShared: boolean): Promise<AuthToken> {
    assertRested(record, this.#options.clock.nowMs());
    try {
      return await this.#obtain(
        need.because === 'revoked' ? await this.#afterRevocation(record, need) : record,
        need,
        isShared,
      );
    } catch (error) {
      if (error instanceof AuthError) await this.#noteFailure(error);
      throw error;
    }
  }

  /** By refresh token where there is one that serves the scope, otherwise by credential. */
  async #obtain(record: GrantRecord, need: Need, isShared: boolean): Promise<AuthToken> {
    const { refreshToken } = record;
    if (refreshToken === undefined || !this.#serves(refreshToken, need.scope))
      return this.#mint(record, need);
    // Without the lock, and where its successor cannot be stored, a single-use token must not be used up.
    if (!isShared && !this.#options.store.hasUnstored) return this.#mint(record, need);
    let outcome: RenewalOutcome;
    try {
      outcome = await this.#renewal.renew(record, refreshToken, need);
    } catch (error) {
      return this.#fallBack(need, error);
    }
    switch (outcome.kind) {
      case 'adopted':
        return adopted(outcome.token, need, this.#options.events);
      case 'renewed':
        return this.#store(record, need, { ...outcome, grantType: 'refresh_token' });
      case 'gone':
        return this.#afterLoss(need, outcome.why, outcome.error);
    }
  }

  /** The tries with the refresh token are used up: one try with the credential, and nothing is touched unless that works. */
  async #fallBack(need: Need, error: unknown): Promise<AuthToken> {
    const { credential, store } = this.#options;
    const mayHelp = isAuthError(error, 'KM_AUTH_UNREACHABLE') || isAuthError(error, 'KM_AUTH_CACHE');
    const isToldToRest = error instanceof TokenRequestError && isLongRest(error.failure.retryAfterMs);
    if (credential === undefined || !mayHelp || isToldToRest) throw error;
    this.#tellFallback(need, credential, error.message);
    try {
      return await this.#mint(await store.read(), need, 0);
    } catch {
      throw error;
    }
  }

  /** The refresh token is gone: the credential takes over, or a human must. */
  async #afterLoss(need: Need, why: string, error: AuthError): Promise<AuthToken> {
    const { credential, store, loginCommand } = this.#options;
    if (credential === undefined) throw loginRequired(loginCommand, `the login is over: ${why}`, error);
    this.#tellFallback(need, credential, why);
    return this.#mint(await store.read(), need);
  }

  /** A security event: what was issued is cleared, and a fresh grant forced where a credential can win one. */
  async #afterRevocation(record: GrantRecord, need: Need): Promise<GrantRecord> {
    const { store, events, credential, onTokensCleared } = this.#options;
    const { other: rejected } = need;
    const stored = record.tokens.get(need.scope);
    if (rejected === undefined || rejected.fingerprint === this.#toldRevoked) return record;
    if (stored !== undefined && stored.fingerprint !== rejected.fingerprint) return record;
    this.#toldRevoked = rejected.fingerprint;
    events.publish({ type: 'token.revoked', scope: need.scope, token: rejected.fingerprint });
    const fingerprint = record.refreshToken?.secret.fingerprint;
    await store.update((current) => {
      const cleared = withoutTokens(current);
      return credential === undefined || fingerprint === undefined
        ? cleared
        : withoutRefreshToken(cleared, fingerprint);
    });
    onTokensCleared();
    events.publish({
      type: 'security.event',
      reason: 'token-revoked',
      message: `the API says that token ${rejected.fingerprint} was revoked: this profile's tokens were cleared and a fresh one is obtained`,
    });
    return store.read();
  }

  async #mint(
    record: GrantRecord,
    need: Need,
    maxRetries = this.#options.settings.maxRetries,
  ): Promise<AuthToken> {
    const { credential, runner, loginCommand } = this.#options;
    if (credential === undefined) throw this.#cannotMint(record, need);
    // One refresh token a grant: the one that replaces it must serve what the one before served.
    const scopes = [...new Set([...(record.refreshToken?.scopes ?? []), ...scopeTokens(need.scope)])].sort();
    const request = mintingRequest(credential, scopes);
    try {
      const grant = await runner.run(request, need.scope, maxRetries);
      return await this.#store(record, need, { grant, scopes, grantType: credential.kind });
    } catch (error) {
      if (!isAuthError(error, 'KM_AUTH_GRANT_REJECTED')) throw error;
      throw new AuthError('KM_AUTH_LOGIN_REQUIRED', `${error.message}; or run \`${loginCommand}\``, {
        cause: error,
      });
    }
  }

  #cannotMint(record: GrantRecord, need: Need): AuthError {
    const { refreshToken } = record;
    if (refreshToken === undefined) {
      return this.#options.store.isReadable
        ? loginRequired(this.#options.loginCommand, 'nobody is logged in')
        : unreadableError();
    }
    if (!this.#serves(refreshToken, need.scope)) {
      return loginRequired(
        this.#options.loginCommand,
        `the login does not serve scope "${need.scope}", or is over`,
      );
    }
    return unlockableError();
  }

  async #store(record: GrantRecord, need: Need, { grant, scopes, grantType }: Won): Promise<AuthToken> {
    const { store, clock, settings, events, onClockSkew } = this.#options;
    if (grant.clockSkewMs !== undefined) onClockSkew(grant.clockSkewMs);
    const previous = record.tokens.get(need.scope);
    const isRefresh = grantType === 'refresh_token';
    const nowMs = clock.nowMs();
    const explained = need.because === 'time' && isExplained(previous, nowMs, settings.refreshAheadMs);
    const { token } = grant;
    const served = scopes ?? servedScopes(token, need.scope);
    await store.update((current) => {
      const answered = withAnswer(current, { key: need.scope, grant, scopes: served, isRefresh });
      return explained ? explainRequest(answered) : answered;
    });
    const told = { scope: need.scope, token: token.fingerprint, expiresAtMs: token.expiresAtMs, grantType };
    const replaced = previous?.fingerprint ?? need.other?.fingerprint;
    if (replaced === undefined && !isRefresh) events.publish({ type: 'token.issued', ...told });
    else events.publish({ type: 'token.refreshed', ...told, replaced });
    // A login whose scopes were not known turned out not to serve this one.
    const isServed = served === undefined || coversScopes(served, scopeTokens(need.scope));
    return isServed ? token : this.#mint(await store.read(), need);
  }

  #serves(refreshToken: RefreshToken, scope: string): boolean {
    const { expiresAtMs, scopes } = refreshToken;
    const isOver = expiresAtMs !== undefined && expiresAtMs <= this.#options.clock.nowMs();
    return !isOver && (scopes === undefined || coversScopes(scopes, scopeTokens(scope)));
  }

  async #noteFailure(error: AuthError): Promise<void> {
    const { store, clock } = this.#options;
    const atMs = clock.nowMs();
    const rest = error instanceof TokenRequestError ? error.failure.retryAfterMs : undefined;
    await store.note((record) =>
      withFailure(
        record,
        { code: error.code, message: error.message, atMs },
        isLongRest(rest) ? atMs + rest : undefined,
      ),
    );
  }

  #tellFallback(need: Need, credential: Credential, reason: string): void {
    this.#options.events.publish({
      type: 'grant.fallback',
      scope: need.scope,
      from: 'refresh_token',
      to: credential.kind,
      reason,
    });
  }
}
