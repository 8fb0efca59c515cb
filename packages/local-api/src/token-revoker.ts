import type { TokenContext } from './issued-tokens.js';
import { fingerprint, hashSecret } from './secrets.js';
import type { RevocationReason } from './store/families.js';

/** Ends tokens before their time. */
export class TokenRevoker {
  readonly #context: TokenContext;

  constructor(context: TokenContext) {
    this.#context = context;
  }

  /**
   * Ends a token: a refresh token with its whole family, an access token alone. An unknown one is no error.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
   */
  revoke(token: string): void {
    const { events, now, store } = this.#context;
    const hash = hashSecret(token);
    const refreshToken = store.refreshTokens.find(hash);
    if (refreshToken !== undefined) {
      this.endFamily(refreshToken.familyId, 'revoked', token);
      return;
    }
    const nowMs = now();
    const isEnded = store.transaction(() => {
      const ended = store.accessTokens.revoke(hash, nowMs);
      if (ended) store.counters.add('access_tokens_revoked', nowMs);
      return ended;
    });
    if (isEnded) events.emit({ type: 'token.revoked', accessToken: fingerprint(token) });
  }

  /** Ends a family for the sake of one of its refresh tokens. */
  endFamily(familyId: string, reason: RevocationReason, refreshToken: string): void {
    const { events, now, store } = this.#context;
    const nowMs = now();
    const isEnded = store.transaction(() => {
      if (reason === 'reuse') store.counters.add('reuse_detected', nowMs);
      const ended = store.families.revoke(familyId, reason, nowMs);
      if (ended) store.counters.add('families_revoked', nowMs);
      return ended;
    });
    if (!isEnded) return;
    events.emit({
      type: 'family.revoked',
      family: familyId,
      reason,
      refreshToken: fingerprint(refreshToken),
    });
  }
}
