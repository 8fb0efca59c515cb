import { fingerprinted, type IssuedTokens, type TokenContext } from './issued-tokens.js';
import { OAuthError } from './oauth-error.js';
import { narrowScopes, readScopes } from './scopes.js';
import { fingerprint, hashSecret, seal, unseal } from './secrets.js';
import type { RefreshTokenRecord } from './store/refresh-tokens.js';
import type { TokenIssuer } from './token-issuer.js';
import type { TokenRevoker } from './token-revoker.js';

/** What a refresh token is worth at this moment. */
type Verdict =
  | { readonly is: 'good' | 'reused' | 'revoked' | 'expired' }
  | { readonly is: 'replayed'; readonly sealedAnswer: Uint8Array };

/** Exchanges refresh tokens, each of which is good once. */
export class TokenRefresher {
  readonly #context: TokenContext;
  readonly #issuer: TokenIssuer;
  readonly #revoker: TokenRevoker;

  constructor(context: TokenContext, issuer: TokenIssuer, revoker: TokenRevoker) {
    this.#context = context;
    this.#issuer = issuer;
    this.#revoker = revoker;
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
    const { events, now, policy, store } = this.#context;
    const hash = hashSecret(refreshToken);
    store.prune();
    const known = store.refreshTokens.find(hash);
    const account = known && store.accounts.find(known.subject);
    if (!known || !account) throw new OAuthError('invalid_grant', 'unknown refresh token');
    if (this.#judge(known).is !== 'good') return this.#settle(refreshToken, known);

    const isRotating = policy.rotateRefreshTokens && (request.isRotating ?? true);
    const scope = narrowScopes(request.scope, readScopes(known.scope));
    const nowMs = now();
    const next = await this.#issuer.make(account, scope, nowMs, isRotating);
    // Signing took a turn of the event loop: whoever was faster has won, so this is judged afresh.
    const isWon = store.transaction(() => {
      const current = store.refreshTokens.find(hash);
      if (!current || this.#judge(current).is !== 'good') return false;
      if (isRotating) {
        const sealed = policy.graceMs > 0 ? seal(JSON.stringify(next), refreshToken) : null;
        store.refreshTokens.consume(hash, nowMs, sealed);
      }
      this.#issuer.keep(next, known.familyId, nowMs);
      store.counters.add('refreshed', nowMs);
      return true;
    });
    if (!isWon) return this.#settle(refreshToken, store.refreshTokens.find(hash) ?? known);
    events.emit({
      type: 'token.refreshed',
      subject: account.subject,
      usedRefreshToken: fingerprint(refreshToken),
      isReplay: false,
      ...fingerprinted(next),
    });
    return next;
  }

  #judge(token: RefreshTokenRecord): Verdict {
    const { now, policy } = this.#context;
    const nowMs = now();
    const isRevoked = token.familyRevokedBecause !== null;
    if (token.consumedAtMs !== null) {
      const { sealedAnswer } = token;
      const isInGrace = nowMs - token.consumedAtMs <= policy.graceMs;
      return isInGrace && sealedAnswer !== null && !isRevoked
        ? { is: 'replayed', sealedAnswer }
        : { is: 'reused' };
    }
    if (isRevoked) return { is: 'revoked' };
    return { is: nowMs >= token.expiresAtMs ? 'expired' : 'good' };
  }

  /** The outcome for a refresh token that wins nothing new. */
  #settle(refreshToken: string, token: RefreshTokenRecord): IssuedTokens {
    const verdict = this.#judge(token);
    if (verdict.is === 'replayed') return this.#replay(refreshToken, token.subject, verdict.sealedAnswer);
    if (verdict.is === 'expired') throw new OAuthError('invalid_grant', 'refresh token expired');
    if (verdict.is === 'revoked') {
      const why = token.familyRevokedBecause === 'reuse' ? ' because of an earlier reuse' : '';
      throw new OAuthError('invalid_grant', `refresh token revoked${why}`);
    }
    this.#revoker.endFamily(token.familyId, 'reuse', refreshToken);
    throw new OAuthError('invalid_grant', 'refresh token reuse detected');
  }

  #replay(refreshToken: string, subject: string, sealedAnswer: Uint8Array): IssuedTokens {
    const { events, now, store } = this.#context;
    const answer = JSON.parse(unseal(sealedAnswer, refreshToken)) as IssuedTokens;
    store.counters.add('replayed', now());
    events.emit({
      type: 'token.refreshed',
      subject,
      usedRefreshToken: fingerprint(refreshToken),
      isReplay: true,
      ...fingerprinted(answer),
    });
    const expiresInSeconds = Math.max(0, Math.floor((answer.expiresAtMs - now()) / 1_000));
    return { ...answer, expiresInSeconds };
  }
}
