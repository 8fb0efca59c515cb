import { AuthError, isAuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import { AnswerKeeper, type AnswerKeeperOptions, type Won } from './answer-keeper.js';
import { grantNameOf, mintingRequest, type Credential } from './credential.js';
import { withoutRefreshToken, withoutToken, withoutTokens } from './grant-changes.js';
import { isReplaced, type GrantRecord, type RefreshToken } from './grant-record.js';
import { adopt, type Need } from './need.js';
import { isOfOneScope, noteFailure } from './note-failure.js';
import { isLongRest } from './refresh-policy.js';
import { assertRested, loginRequired, unlockableError, unreadableError } from './refresh-errors.js';
import {
  RefreshTokenRenewal,
  type RefreshTokenRenewalOptions,
  type RenewalOutcome,
} from './refresh-token-renewal.js';
import { coversScopes, DEFAULT_SCOPE } from './scope.js';
import type { StoppableWaits } from './stoppable-waits.js';
import { scopesOfKey, targetOfKey } from './token-key.js';
import { TokenRequestError } from './token-request-error.js';

export type RefreshTransactionOptions = RefreshTokenRenewalOptions &
  AnswerKeeperOptions & {
    readonly credential: Credential | undefined;
    /** The command that logs this profile in, for these scopes. */
    readonly loginCommand: (scopes: readonly string[]) => string;
    /** Once they have ended, nothing more is sent. */
    readonly waits: StoppableWaits;
  };

/** Obtains a token once there was none to adopt: asks the provider, stores the answer. Runs under the grant's lock where there is one. */
export class RefreshTransaction {
  readonly #options: RefreshTransactionOptions;
  readonly #renewal: RefreshTokenRenewal;
  readonly #keeper: AnswerKeeper;
  /** The revoked token of which the user was told last. */
  #toldRevoked: string | undefined;

  constructor(options: RefreshTransactionOptions) {
    this.#options = options;
    this.#renewal = new RefreshTokenRenewal(options);
    this.#keeper = new AnswerKeeper(options);
  }

  /**
   * @param record what is stored, read under the lock.
   * @returns `undefined` where another process has overtaken this one: it has to take the lock again.
   * @throws {AuthError} as `AuthManager.getValidToken`.
   */
  async run(record: GrantRecord, need: Need, hasLock: boolean): Promise<AuthToken | undefined> {
    // Not even a service that wants to be left alone keeps a revoked token alive.
    const current = need.because === 'revoked' ? await this.#afterRevocation(record, need) : record;
    assertRested(current, this.#options.clock.nowMs());
    try {
      return await this.#obtain(current, need, hasLock);
    } catch (error) {
      // A scope that the login never had says nothing of the login; nor does that this manager was stopped.
      const isOfLogin =
        error instanceof AuthError && !isOfOneScope(error) && !this.#options.waits.isEnd(error);
      if (isOfLogin) await noteFailure(error, this.#options);
      throw error;
    }
  }

  /** By refresh token where there is one that serves the scope, otherwise by credential. */
  async #obtain(record: GrantRecord, need: Need, hasLock: boolean): Promise<AuthToken | undefined> {
    const { refreshToken } = record;
    if (refreshToken === undefined || !this.#serves(refreshToken, need.key)) return this.#mint(record, need);
    // Without the lock, and where its successor cannot be stored, a single-use token that others have must not be used up.
    const isFree = hasLock || (await this.#options.store.isOnlyInMemory(refreshToken.secret.fingerprint));
    if (!isFree) return this.#mint(record, need);
    const minted = await this.#mintWhereInDoubt(record, refreshToken, need);
    if (minted !== undefined) return minted;
    let outcome: RenewalOutcome;
    try {
      outcome = await this.#renewal.renew(record, refreshToken, need, hasLock);
    } catch (error) {
      return this.#fallBack(record, need, error);
    }
    switch (outcome.kind) {
      case 'adopted':
        return adopt(outcome.token, need, this.#options);
      case 'overtaken':
        return undefined;
      case 'renewed':
        return this.#store(record, need, { ...outcome, grantType: 'refresh_token' });
      case 'gone':
        return this.#afterLoss(need, this.#loginCommand(record, need), outcome.why, outcome.error);
    }
  }

  /** A refresh token of an earlier try may be used up: sent twice it would be taken for stolen, and end what all others have. */
  async #mintWhereInDoubt(
    record: GrantRecord,
    refreshToken: RefreshToken,
    need: Need,
  ): Promise<AuthToken | undefined> {
    const { credential, events } = this.#options;
    const { sentRefresh } = record;
    const { fingerprint } = refreshToken.secret;
    if (credential === undefined || sentRefresh?.fingerprint !== fingerprint) return undefined;
    events.publish({ type: 'refresh.answer-lost', refreshToken: fingerprint, sentAtMs: sentRefresh.atMs });
    this.#tellFallback(need, credential, 'the refresh token was sent before, and the answer was lost');
    try {
      return await this.#mint(record, need);
    } catch (error) {
      // Where the credential is not good the refresh token is all there is.
      if (!isAuthError(error, 'KM_AUTH_LOGIN_REQUIRED')) throw error;
      return undefined;
    }
  }

  /** The tries with the refresh token are used up: one try with the credential, and nothing is touched unless that works. */
  async #fallBack(record: GrantRecord, need: Need, error: unknown): Promise<AuthToken> {
    const { credential, store, isNarrowing, waits } = this.#options;
    const mayHelp = isAuthError(error, 'KM_AUTH_UNREACHABLE') || isAuthError(error, 'KM_AUTH_CACHE');
    const isForHuman =
      isAuthError(error, 'KM_AUTH_LOGIN_REQUIRED') ||
      (isNarrowing && isAuthError(error, 'KM_AUTH_INVALID_SCOPE'));
    if (isForHuman && credential === undefined)
      throw loginRequired(this.#loginCommand(record, need), error.message, error);
    const isToldToRest = error instanceof TokenRequestError && isLongRest(error.failure.retryAfterMs);
    if (credential === undefined || !mayHelp || isToldToRest || waits.signal.aborted) throw error;
    this.#tellFallback(need, credential, error.message);
    try {
      return await this.#mint(await store.read(), need, 0);
    } catch {
      throw error;
    }
  }

  /** The refresh token is gone: the credential takes over, or a human must. */
  async #afterLoss(need: Need, command: string, why: string, error: AuthError): Promise<AuthToken> {
    const { credential, store, waits } = this.#options;
    if (credential === undefined) throw loginRequired(command, `the login is over: ${why}`, error);
    waits.signal.throwIfAborted();
    this.#tellFallback(need, credential, why);
    return this.#mint(await store.read(), need);
  }

  /** A security event: what was issued is cleared, and a fresh grant forced where a credential can win one. */
  async #afterRevocation(record: GrantRecord, need: Need): Promise<GrantRecord> {
    const { store, events, credential, onTokensCleared } = this.#options;
    const { replaces: rejected } = need;
    const stored = record.tokens.get(need.key);
    if (rejected === undefined || rejected.fingerprint === this.#toldRevoked) return record;
    if (stored !== undefined && stored.fingerprint !== rejected.fingerprint) return record;
    if (isReplaced(rejected, record)) return record;
    this.#toldRevoked = rejected.fingerprint;
    events.publish({ type: 'token.revoked', scope: need.key, token: rejected.fingerprint });
    const fingerprint = record.refreshToken?.secret.fingerprint;
    await store.update((current) => {
      // Its tokens are the login: nothing wins the others again.
      if (credential === undefined && current.refreshToken === undefined)
        return withoutToken(current, rejected.fingerprint);
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
    const { credential, runner, isNarrowing } = this.#options;
    if (credential === undefined) throw this.#cannotMint(record, need);
    // One refresh token a grant: the one that replaces it must serve what the one before served.
    const before = isNarrowing ? [] : (record.refreshToken?.scopes ?? []);
    const scopes = [...new Set([...before, ...scopesOfKey(need.key)])].sort();
    const request = mintingRequest(credential, scopes, targetOfKey(need.key));
    try {
      const grant = await runner.run(request, need.key, maxRetries);
      return await this.#store(record, need, { grant, scopes, grantType: grantNameOf(credential) });
    } catch (error) {
      const isSaidByService = error instanceof TokenRequestError && error.code === 'KM_AUTH_LOGIN_REQUIRED';
      if (!isSaidByService && !isAuthError(error, 'KM_AUTH_GRANT_REJECTED')) throw error;
      const command = this.#loginCommand(record, need);
      // Where nobody was asked there is no credential that could be mended.
      const wasAsked = !(error instanceof TokenRequestError && error.failure.isAnswerLost === false);
      if (!wasAsked) throw loginRequired(command, error.message, error);
      throw new AuthError('KM_AUTH_LOGIN_REQUIRED', `${error.message}; or run \`${command}\``, {
        cause: error,
      });
    }
  }

  #cannotMint(record: GrantRecord, need: Need): AuthError {
    const { refreshToken } = record;
    const command = this.#loginCommand(record, need);
    if (refreshToken === undefined) {
      const { isReadable, isDamaged } = this.#options.store.trouble;
      if (!isReadable) return unreadableError();
      const why = isDamaged ? 'what was stored of the login is damaged' : 'nobody is logged in';
      return loginRequired(command, why);
    }
    if (this.#serves(refreshToken, need.key)) return unlockableError();
    const why = `the login does not serve scope "${scopesOfKey(need.key).join(' ')}"`;
    return loginRequired(command, why, new AuthError('KM_AUTH_INVALID_SCOPE', why));
  }

  /** The command that wins a login for what the one before served, and for what is needed now. */
  #loginCommand({ refreshToken }: GrantRecord, need: Need): string {
    const scopes = new Set([...(refreshToken?.scopes ?? []), ...scopesOfKey(need.key)]);
    scopes.delete(DEFAULT_SCOPE);
    return this.#options.loginCommand([...scopes].sort());
  }

  async #store(record: GrantRecord, need: Need, won: Won): Promise<AuthToken> {
    // A login whose scopes were not known may turn out not to serve this one.
    const isServed = await this.#keeper.keep(record, need, won);
    return isServed ? won.grant.token : this.#mint(await this.#options.store.read(), need);
  }

  #serves(refreshToken: RefreshToken, key: string): boolean {
    const { scopes } = refreshToken;
    return !this.#isOver(refreshToken) && (scopes === undefined || coversScopes(scopes, scopesOfKey(key)));
  }

  /**
   * With a credential, a refresh token past its end is simply replaced. Without one it is sent all the same: the clock of
   * this machine may be wrong, and the service removes nothing that is good.
   */
  #isOver({ expiresAtMs }: RefreshToken): boolean {
    const { credential, clock } = this.#options;
    return credential !== undefined && expiresAtMs !== undefined && expiresAtMs <= clock.nowMs();
  }

  #tellFallback(need: Need, credential: Credential, reason: string): void {
    this.#options.events.publish({
      type: 'grant.fallback',
      scope: need.key,
      from: 'refresh_token',
      to: grantNameOf(credential),
      reason,
    });
  }
}
