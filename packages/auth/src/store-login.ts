import { EMPTY_GRANT, type GrantKey, type GrantRecord, type RefreshToken } from './grant-record.js';
import { grantKeyOf } from './grant-key.js';
import type { TokenCache, TokenGrant, TokenProvider } from './ports.js';
import { DEFAULT_PROFILE } from './profile-name.js';
import { DEFAULT_SCOPE } from './scope.js';
import { targetSuffix, tokenKey } from './token-key.js';

/** A login that a human has made: its first token, and its refresh token if it has one. */
export type Login = {
  /** Tells it from every other login: what `createAuthManager` is given as `loginId`. */
  readonly id: string;
  /** What the issuer answered. */
  readonly grant: TokenGrant;
  /** The scopes that were asked for; empty where it was left to the issuer. */
  readonly askedScopes: readonly string[];
};

/** Where {@link storeLogin} stores a login. */
export type StoreLoginOptions = {
  /** The provider at which the login was made. */
  readonly provider: TokenProvider;
  /** Where it is kept, and who has it then. */
  readonly cache: TokenCache;
  /** The named account. Default `default`. */
  readonly profile?: string;
};

/** How long a new login waits for its lock, in milliseconds: nobody else knows of one that was not stored yet. */
const NEW_LOGIN_LOCK_TIMEOUT_MS = 5_000;

/** What the login serves: what was asked for, for an issuer may call that by other names, and what was granted. */
function refreshTokenOf({ grant, askedScopes }: Login): RefreshToken | undefined {
  const { refreshToken: secret, refreshTokenExpiresAtMs: expiresAtMs, token } = grant;
  if (secret === undefined) return undefined;
  return {
    secret,
    scopes: [...new Set([DEFAULT_SCOPE, ...askedScopes, ...token.scopes])].sort(),
    issuedAtMs: token.issuedAtMs,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/**
 * Stores a login, so that every process that shares `cache` has it. Returns under what it is kept.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored.
 */
export async function storeLogin(
  login: Login,
  { provider, cache, profile = DEFAULT_PROFILE }: StoreLoginOptions,
): Promise<GrantKey> {
  const { issuer } = provider;
  const key = grantKeyOf({
    profile,
    apiOrigin: issuer?.origin ?? '',
    issuer,
    credential: undefined,
    loginId: login.id,
  });
  const { token, proofKey = token.proofKey } = login.grant;
  const suffix = targetSuffix(issuer?.target ?? {});
  const scopes = [DEFAULT_SCOPE, ...(login.askedScopes.length === 0 ? [] : [login.askedScopes])];
  const refreshToken = refreshTokenOf(login);
  const record: GrantRecord = {
    ...EMPTY_GRANT,
    tokens: new Map(scopes.map((scope) => [tokenKey(scope, suffix), token])),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(proofKey !== undefined && { proofKey }),
  };
  const store = (): Promise<unknown> => cache.updateGrant(key, () => record);
  await cache.withLock(key, store, { timeoutMs: NEW_LOGIN_LOCK_TIMEOUT_MS });
  return key;
}
