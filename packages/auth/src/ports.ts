import type { AuthToken } from './auth-token.js';
import type { CacheNoticeListener } from './cache-notice.js';
import type { GrantKey, GrantRecord } from './grant-record.js';
import type { Secret } from './secret.js';
import type { TokenTarget } from './token-key.js';

/** A request for an access token; one variant a grant type. */
export type TokenRequest =
  | { readonly grantType: 'api_key'; readonly apiKey: Secret; readonly scopes: readonly string[] }
  | {
      readonly grantType: 'client_credentials';
      readonly clientId: string;
      readonly clientSecret: Secret;
      readonly scopes: readonly string[];
    }
  | {
      /** By what the provider itself was made with: how its client authenticates, an assertion, another token. */
      readonly grantType: 'provider';
      /** The grant, in the issuer's words. */
      readonly grantName: string;
      readonly scopes: readonly string[];
      readonly target?: TokenTarget;
      /** The private key to bind the token to, where it is to be bound. */
      readonly proofKey?: Secret;
    }
  | {
      readonly grantType: 'refresh_token';
      readonly refreshToken: Secret;
      /** What the token is for. Default: all that the login was for (RFC 6749 §6). */
      readonly scopes?: readonly string[];
      readonly target?: TokenTarget;
      /** The private key to which the refresh token is bound, where it is, and the new ones are to be. */
      readonly proofKey?: Secret;
    };

/** What a token endpoint answered. */
export type TokenGrant = {
  readonly token: AuthToken;
  /** Replaces the one before. Absent: the one before stays good (RFC 6749 §6). */
  readonly refreshToken?: Secret;
  /** When that refresh token ends, where the server told: milliseconds since the epoch. */
  readonly refreshTokenExpiresAtMs?: number;
  /** The private key that was proved with the request: the refresh token may be bound to it where the token is not. */
  readonly proofKey?: Secret;
  /** Local clock minus the server's, in milliseconds, where the answer had a `Date`. */
  readonly clockSkewMs?: number;
};

/** Who issues the tokens of a provider that is not the Kilometers API. */
export type TokenIssuer = {
  /** Where its grants live. Tokens go there unless told otherwise. */
  readonly origin: string;
  /** Tells its logins from those of others there: the issuer and the client. */
  readonly identity: string;
  /** Which token is asked for, besides its scope. */
  readonly target: TokenTarget;
  /** How it mints tokens without a login; absent where only a login, or its refresh token, brings any. */
  readonly mints?: {
    /** The grant, in the issuer's words, as in `client_credentials`. */
    readonly grantType: string;
    /** Changes with what mints. */
    readonly fingerprint: string;
  };
};

/** A token to end, and what kind it is. */
export type RevocableToken = {
  /** A {@link Secret} or an {@link AuthToken}. */
  readonly token: Pick<Secret, 'reveal'>;
  readonly kind: 'refresh_token' | 'access_token';
};

/** Obtains tokens from whoever issues them. Never caches, never retries. */
export interface TokenProvider {
  /**
   * Absent: the Kilometers API, where a refresh renews a grant in all its scopes. With it, a refresh asks for the
   * scopes and the target of one token, and leaves the grant's others as they are.
   */
  readonly issuer?: TokenIssuer;

  /**
   * A new private key to bind the tokens of a grant to, as a JWK in JSON; `undefined` where they are bound to none.
   * It is stored before it is used, and then comes with each request for that grant.
   */
  createProofKey?(): Promise<Secret | undefined>;

  /**
   * @throws {TokenRequestError} `KM_AUTH_GRANT_REJECTED` when the credential sent is gone for good;
   *   `KM_AUTH_UNREACHABLE` when trying again later may work; `KM_AUTH_INVALID_SCOPE` and
   *   `KM_AUTH_CONFIGURATION` when asking the same again cannot work.
   * @throws {AuthError} `KM_AUTH_CONFIGURATION`, `KM_AUTH_INSECURE_ENDPOINT` and `KM_AUTH_INVALID_OPTION` when nothing was
   *   sent, because of how the provider or its issuer is set up.
   */
  requestToken(request: TokenRequest): Promise<TokenGrant>;

  /**
   * Tells the issuer to end a token before its time; a refresh token ends with its login. Absent: it cannot be told, and
   * `AuthManager.revoke` says so.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when telling it again later may work; another code when it never can.
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2 | RFC 7009 §2}
   */
  revoke?(token: RevocableToken): Promise<void>;
}

/** A public document, and until when it is taken for current. */
export type StoredDocument = {
  readonly text: string;
  /** In milliseconds since the epoch. */
  readonly fetchedAtMs: number;
  /** In milliseconds since the epoch. */
  readonly freshUntilMs: number;
};

/** Keeps public documents between processes. Both may reject: the caller goes on as if nothing were kept. */
export interface DocumentStore {
  /** The document from `url`; `undefined` where none is kept. */
  get(url: string): Promise<StoredDocument | undefined>;
  /** Keeps the document from `url`. */
  set(url: string, document: StoredDocument): Promise<void>;
}

/** How to wait for a grant's lock. */
export type LockOptions<T> = {
  /** How long to wait for it, in milliseconds. */
  readonly timeoutMs: number;
  /** May be asked while waiting: what it brings is the result, and the lock is not needed. */
  readonly unless?: (() => Promise<T | undefined>) | undefined;
  /** Ends the wait, with its reason: who waits is told to stop. A task that has begun goes on. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Keeps grants: in memory, in a file, in Redis. Whoever shares the storage shares the lock.
 *
 * Every adapter passes one contract test.
 */
export interface TokenCache {
  /** What `km auth status` calls it: `memory`, `file`, `redis`. */
  readonly kind: string;

  /**
   * What is stored of a grant; `undefined` where there is nothing.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read.
   */
  getGrant(key: GrantKey): Promise<GrantRecord | undefined>;

  /**
   * The tokens of a grant, by key, where they can be had with less work than by `getGrant`. Optional.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read.
   */
  getTokens?(key: GrantKey): Promise<GrantRecord['tokens']>;

  /**
   * Replaces what is stored of a grant by what `change` makes of it, as one step that no other writer comes between.
   * `undefined` removes it; the very record that `change` was given leaves it as it is. Returns what is stored then.
   * `change` may be called more than once. Called with the grant's lock held, inside of `withLock`, and without it.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be stored; then nothing is changed, or, where a grant is kept in
   *   parts, what can mint tokens alone. The same change is made again, and must then bring the whole.
   */
  updateGrant(
    key: GrantKey,
    change: (current: GrantRecord | undefined) => GrantRecord | undefined,
  ): Promise<GrantRecord | undefined>;

  /** The grants that are stored. @throws {AuthError} `KM_AUTH_CACHE` when the storage cannot be read. */
  listGrants(): Promise<readonly GrantKey[]>;

  /**
   * Runs `task` while nobody else who shares this storage runs one for the same grant, and frees the lock whatever `task`
   * does. What `task` throws is passed on.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT` when another holds the lock for longer than `timeoutMs`; `KM_AUTH_CACHE` when
   *   the storage has no lock to give (a full disk): `task` has not begun then, and the manager runs it without one. The
   *   reason of `signal` when that ends the wait.
   */
  withLock<T>(key: GrantKey, task: () => Promise<T>, options: LockOptions<T>): Promise<T>;

  /** Calls `listener` with what is found amiss, from the beginning on; returns what ends that. Optional. */
  subscribe?(listener: CacheNoticeListener): () => void;
}
