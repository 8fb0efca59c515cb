import type { AccessTokenMint } from './access-token-mint.js';
import { fingerprinted, type IssuedTokens, type TokenContext } from './issued-tokens.js';
import { formatScopes, type Scope } from './scopes.js';
import { hashSecret, newId, newSecret } from './secrets.js';
import type { Account } from './store/accounts.js';
import type { GrantType } from './store/families.js';

/** Gives out tokens. */
export class TokenIssuer {
  readonly #context: TokenContext;
  readonly #mint: AccessTokenMint;

  constructor(context: TokenContext, mint: AccessTokenMint) {
    this.#context = context;
    this.#mint = mint;
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
    const { events, now, policy, random, store } = this.#context;
    store.prune();
    const nowMs = now();
    const hasRefreshToken = policy.issueRefreshTokens && (grant.hasRefreshToken ?? true);
    const issued = await this.make(account, scope, nowMs, hasRefreshToken);
    const familyId = newId('fam_', random);
    store.transaction(() => {
      grant.claim?.();
      store.families.add({
        id: familyId,
        subject: account.subject,
        scope: formatScopes(scope),
        grantType,
        createdAtMs: nowMs,
      });
      this.keep(issued, familyId, nowMs);
      store.counters.add(`issued.${grantType}`, nowMs);
    });
    events.emit({ type: 'token.issued', grantType, subject: account.subject, ...fingerprinted(issued) });
    return issued;
  }

  /** Makes tokens that nobody knows yet: they count once {@link TokenIssuer.keep} has stored them. */
  async make(
    account: Account,
    scope: readonly Scope[],
    issuedAtMs: number,
    hasRefreshToken: boolean,
  ): Promise<IssuedTokens> {
    const { tokenTtlMs } = this.#context.policy;
    // A JWT's `exp` has no parts of a second: the token ends when the next one begins, and never before it should.
    const expiresAtMs = Math.ceil((issuedAtMs + tokenTtlMs) / 1_000) * 1_000;
    const claims = { ...account, scope: formatScopes(scope), issuedAtMs, expiresAtMs };
    const expiresInSeconds = Math.floor(tokenTtlMs / 1_000);
    const tokens = { accessToken: await this.#mint.mint(claims), expiresAtMs, expiresInSeconds, scope };
    return hasRefreshToken ? { ...tokens, refreshToken: newSecret('kmrt_', this.#context.random) } : tokens;
  }

  /** Stores the tokens' hashes. Belongs in the transaction that decides to give them out. */
  keep(issued: IssuedTokens, familyId: string, nowMs: number): void {
    const { policy, store } = this.#context;
    store.accessTokens.add({
      hash: hashSecret(issued.accessToken),
      familyId,
      scope: formatScopes(issued.scope),
      expiresAtMs: issued.expiresAtMs,
    });
    if (issued.refreshToken === undefined) return;
    store.refreshTokens.add({
      hash: hashSecret(issued.refreshToken),
      familyId,
      expiresAtMs: nowMs + policy.refreshTokenTtlMs,
    });
  }
}
