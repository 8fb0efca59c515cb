import type { AccessTokenMint } from './access-token-mint.js';
import type { ApiEvents } from './api-event.js';
import { OAuthError } from './oauth-error.js';
import { formatScopes, narrowScopes, readScopes, type Scope } from './scopes.js';
import { fingerprint, hashSecret, newId, newSecret, seal, unseal, type RandomBytes } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { GrantType } from './store/families.js';
import type { RefreshTokenRecord } from './store/refresh-tokens.js';
import type { Store } from './store/store.js';

/** How tokens are given out. */
export type TokenPolicy = {
  readonly tokenTtlMs: number;
  readonly refreshTokenTtlMs: number;
  readonly issueRefreshTokens: boolean;
  readonly rotateRefreshTokens: boolean;
  readonly graceMs: number;
};

/** The tokens one request won. */
export type IssuedTokens = {
  readonly accessToken: string;
  readonly expiresAtMs: number;
  readonly scope: readonly Scope[];
  readonly refreshToken?: string;
};

/** Gives out, rotates and revokes tokens. */
export class TokenService {
  readonly #store: Store;
  readonly #mint: AccessTokenMint;
  readonly #events: ApiEvents;
  readonly #policy: TokenPolicy;
  readonly #now: () => number;
  readonly #random: RandomBytes;

  constructor(options: {
    readonly store: Store;
    readonly mint: AccessTokenMint;
    readonly events: ApiEvents;
    readonly policy: TokenPolicy;
    readonly now: () => number;
    readonly random: RandomBytes;
  }) {
    this.#store = options.store;
    this.#mint = options.mint;
    this.#events = options.events;
    this.#policy = options.policy;
    this.#now = options.now;
    this.#random = options.random;
  }

  /** Starts a family of tokens. `claim` runs in the same transaction and may refuse by throwing. */
  async issue(grant: {
    readonly account: Account;
    readonly scope: readonly Scope[];
    readonly grantType: GrantType;
    readonly hasRefreshToken?: boolean;
    readonly claim?: () => void;
  }): Promise<IssuedTokens> {
    const { account, grantType, scope } = grant;
    const nowMs = this.#now();
    const withRefreshToken = this.#policy.issueRefreshTokens && (grant.hasRefreshToken ?? true);
    const issued = await this.#newTokens(account, scope, nowMs, withRefreshToken);
    const familyId = newId('fam_', this.#random);
    this.#store.prune();
    this.#store.transaction(() => {
      grant.claim?.();
      this.#store.families.add({
        id: familyId,
        subject: account.subject,
        scope: formatScopes(scope),
        grantType,
        createdAtMs: nowMs,
      });
      this.#keep(issued, familyId, nowMs);
      this.#store.counters.add(`issued.${grantType}`, nowMs);
    });
    this.#events.emit({ type: 'token.issued', grantType, subject: account.subject, ...named(issued) });
    return issued;
  }

  /**
   * Tokens for a refresh token, which is used up unless rotation is off. A second use ends the whole family.
   *
   * @throws {OAuthError} `invalid_grant`, `invalid_scope`.
   * @see {@link https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 | RFC 9700 §4.14.2}
   */
  async refresh(request: {
    readonly refreshToken: string;
    readonly scope?: string | readonly string[] | undefined;
    readonly isRotating?: boolean;
  }): Promise<IssuedTokens> {
    const { refreshToken } = request;
    const hash = hashSecret(refreshToken);
    const isRotating = this.#policy.rotateRefreshTokens && (request.isRotating ?? true);
    this.#store.prune();
    const known = this.#store.refreshTokens.find(hash);
    const account = known && this.#store.accounts.find(known.subject);
    if (!known || !account) throw new OAuthError('invalid_grant', 'unknown refresh token');
    if (this.#judge(known) !== 'good') return this.#settle(refreshToken, known);

    const scope = narrowScopes(request.scope, readScopes(known.scope));
    const nowMs = this.#now();
    const next = await this.#newTokens(account, scope, nowMs, isRotating);
    // Signing took a turn of the event loop: whoever was faster has won, and this is judged afresh.
    const isWon = this.#store.transaction(() => {
      const current = this.#store.refreshTokens.find(hash);
      if (!current || this.#judge(current) !== 'good') return false;
      if (isRotating) {
        const sealed = this.#policy.graceMs > 0 ? seal(JSON.stringify(next), refreshToken) : null;
        this.#store.refreshTokens.consume(hash, nowMs, sealed);
      }
      this.#keep(next, known.familyId, nowMs);
      this.#store.counters.add('refreshed', nowMs);
      return true;
    });
    if (!isWon) return this.#settle(refreshToken, this.#store.refreshTokens.find(hash) ?? known);
    this.#events.emit({
      type: 'token.refreshed',
      subject: account.subject,
      usedRefreshToken: fingerprint(refreshToken),
      isReplay: false,
      ...named(next),
    });
    return next;
  }

  /**
   * Ends a token: a refresh token with its whole family, an access token alone. An unknown one is no error.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
   */
  revoke(token: string): void {
    const hash = hashSecret(token);
    const nowMs = this.#now();
    const family = this.#store.refreshTokens.find(hash);
    if (family !== undefined) {
      this.#revokeFamily(family.familyId, 'revoked', token);
      return;
    }
    const isEnded = this.#store.transaction(() => {
      const ended = this.#store.accessTokens.revoke(hash, nowMs);
      if (ended) this.#store.counters.add('access_tokens_revoked', nowMs);
      return ended;
    });
    if (isEnded) this.#events.emit({ type: 'token.revoked', accessToken: fingerprint(token) });
  }

  #judge(token: RefreshTokenRecord): 'good' | 'replay' | 'reuse' | 'revoked' | 'expired' {
    const nowMs = this.#now();
    if (token.consumedAtMs !== null) {
      const isInGrace = nowMs - token.consumedAtMs <= this.#policy.graceMs;
      const mayReplay = isInGrace && token.sealedAnswer !== null && token.familyRevokedBecause === null;
      return mayReplay ? 'replay' : 'reuse';
    }
    if (token.familyRevokedBecause !== null) return 'revoked';
    return nowMs >= token.expiresAtMs ? 'expired' : 'good';
  }

  /** The outcome for a refresh token that cannot win new tokens. */
  #settle(refreshToken: string, token: RefreshTokenRecord): IssuedTokens {
    const verdict = this.#judge(token);
    if (verdict === 'replay' && token.sealedAnswer !== null) {
      return this.#replay(refreshToken, token, token.sealedAnswer);
    }
    if (verdict === 'expired') throw new OAuthError('invalid_grant', 'refresh token expired');
    if (verdict === 'revoked') {
      const why = token.familyRevokedBecause === 'reuse' ? ' because of an earlier reuse' : '';
      throw new OAuthError('invalid_grant', `refresh token revoked${why}`);
    }
    this.#revokeFamily(token.familyId, 'reuse', refreshToken);
    throw new OAuthError('invalid_grant', 'refresh token reuse detected');
  }

  #replay(refreshToken: string, token: RefreshTokenRecord, sealed: Uint8Array): IssuedTokens {
    const answer = JSON.parse(unseal(sealed, refreshToken)) as IssuedTokens;
    const nowMs = this.#now();
    this.#store.transaction(() => {
      this.#store.counters.add('replayed', nowMs);
    });
    this.#events.emit({
      type: 'token.refreshed',
      subject: token.subject,
      usedRefreshToken: fingerprint(refreshToken),
      isReplay: true,
      ...named(answer),
    });
    return answer;
  }

  #revokeFamily(familyId: string, reason: 'reuse' | 'revoked', refreshToken: string): void {
    const nowMs = this.#now();
    const isEnded = this.#store.transaction(() => {
      if (reason === 'reuse') this.#store.counters.add('reuse_detected', nowMs);
      const ended = this.#store.families.revoke(familyId, reason, nowMs);
      if (ended) this.#store.counters.add('families_revoked', nowMs);
      return ended;
    });
    if (isEnded) {
      this.#events.emit({
        type: 'family.revoked',
        family: familyId,
        reason,
        refreshToken: fingerprint(refreshToken),
      });
    }
  }

  async #newTokens(
    account: Account,
    scope: readonly Scope[],
    nowMs: number,
    withRefreshToken: boolean,
  ): Promise<IssuedTokens> {
    const expiresAtMs = nowMs + this.#policy.tokenTtlMs;
    const accessToken = await this.#mint.mint({
      ...account,
      scope: formatScopes(scope),
      issuedAtMs: nowMs,
      expiresAtMs,
    });
    const tokens = { accessToken, expiresAtMs, scope };
    return withRefreshToken ? { ...tokens, refreshToken: newSecret('kmrt_', this.#random) } : tokens;
  }

  #keep(issued: IssuedTokens, familyId: string, nowMs: number): void {
    this.#store.accessTokens.add({
      hash: hashSecret(issued.accessToken),
      familyId,
      scope: formatScopes(issued.scope),
      expiresAtMs: issued.expiresAtMs,
    });
    if (issued.refreshToken === undefined) return;
    this.#store.refreshTokens.add({
      hash: hashSecret(issued.refreshToken),
      familyId,
      expiresAtMs: nowMs + this.#policy.refreshTokenTtlMs,
    });
  }
}

function named(issued: IssuedTokens): {
  readonly scope: readonly Scope[];
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresAtMs: number;
} {
  const { accessToken, expiresAtMs, refreshToken, scope } = issued;
  const tokens = { scope, accessToken: fingerprint(accessToken), expiresAtMs };
  return refreshToken === undefined ? tokens : { ...tokens, refreshToken: fingerprint(refreshToken) };
}
