import type { AuthError } from './auth-error.js';
import type { AuthEventListener } from './auth-event.js';
import type { AuthToken } from './auth-token.js';
import type { RevocableToken } from './ports.js';
import type { Scope } from './scope.js';

/** How to get a token. */
export type GetTokenOptions = {
  /** Ends this caller's wait; the refresh itself goes on. */
  readonly signal?: AbortSignal;
  /**
   * When to wait for a refresh: only for a token that cannot be used (default), or, for a command that
   * ends at once, also for one that is due, up to `refreshDeadlineMs`.
   */
  readonly wait?: 'if-expired' | 'if-due';
  /** The token must be good for at least this long, in milliseconds; default 0. */
  readonly minValidMs?: number;
  /**
   * By how much the life of the token at hand counts as longer while no newer one can be had, in milliseconds, up to 30 days;
   * default 0. For uses in which nobody asks the service, which itself refuses a token past its end. A newer token is waited
   * for until a first try has failed, or for `refreshDeadlineMs`, whichever is first.
   */
  readonly offlineLifetimeMs?: number;
};

/** How to force a refresh. */
export type ForceRefreshOptions = {
  /** Ends this caller's wait; the refresh itself goes on. */
  readonly signal?: AbortSignal;
  /** The token that was found wanting: if another one is stored by now, that one is taken. Default: the token at hand. */
  readonly rejected?: AuthToken;
  /** The API said that `rejected` was revoked: a security event. Default false. */
  readonly isRevoked?: boolean;
};

/** A token that was revoked here, and of which its issuer does not know that. */
export type UntoldToken = RevocableToken & {
  /**
   * Why. Where `isRetryable` says that telling it later may work, it waits in the cache for the next
   * {@link AuthManager.revoke} of all tokens, and for `km auth revoke` and `km auth logout`; otherwise it ends by itself.
   */
  readonly error: AuthError;
};

/** What became of tokens that {@link AuthManager.revoke} was to end. */
export type Revocation = {
  /** How many there were, with the refresh token, and with those that a revocation before could not tell the issuer of. */
  readonly ended: number;
  /** Those that their issuer could not be told of; a refresh token first. Empty: they are over there too. */
  readonly untold: readonly UntoldToken[];
  /**
   * Whether they are out of the cache. If not, it could not be written: this manager hands none of them out, and removes them
   * as soon as it can.
   */
  readonly isCleared: boolean;
};

/** Keeps one profile's tokens good. Made by `createAuthManager`. */
export interface AuthManager extends AsyncDisposable {
  /** The named account whose tokens these are. */
  readonly profile: string;
  /** The origin the tokens are for. `createAuthenticatedClient` sends them to no other, unless `allowedOrigins` names it. */
  readonly apiOrigin: string;

  /**
   * A token for `scope` that can be sent now. From memory without I/O where it can be; in the due window
   * the token at hand while a refresh runs behind; otherwise after the refresh. One past its end only with
   * `offlineLifetimeMs`, and while no other can be had.
   *
   * @throws {AuthError} `KM_AUTH_LOGIN_REQUIRED` when only a human can help; `KM_AUTH_UNREACHABLE`,
   *   `KM_AUTH_STORM` or `KM_AUTH_LOCK_TIMEOUT` when trying again later may work; `KM_AUTH_CONFIGURATION`
   *   or `KM_AUTH_INVALID_SCOPE` when something is set up wrongly; `KM_AUTH_CACHE` when the cache cannot be
   *   read or written, and to go on would lose the login; `KM_AUTH_LIFETIME_TOO_SHORT` when `minValidMs` is more
   *   than the service's tokens live; `KM_AUTH_INVALID_OPTION` when `scope` or an option is not valid;
   *   `KM_AUTH_INSECURE_ENDPOINT` when the issuer names an endpoint in plain http; `KM_AUTH_ABORTED` when
   *   `signal` ended the wait.
   */
  getValidToken(scope?: Scope, options?: GetTokenOptions): Promise<AuthToken>;

  /**
   * A token newer than the one at hand, even if that one looks good.
   *
   * @throws {AuthError} as {@link AuthManager.getValidToken}.
   */
  forceRefresh(scope?: Scope, options?: ForceRefreshOptions): Promise<AuthToken>;

  /**
   * Forgets this profile's access tokens, in memory and in the cache. What can mint new ones stays, and so does a token that
   * is all there is of a person's login.
   */
  clearCache(): Promise<void>;

  /**
   * Ends tokens before their time: takes them out of memory and of the cache, for every process that shares it, and tells
   * their issuer, the refresh token first. A person's login is over with that. An API key or a client secret is not ended: the
   * next {@link AuthManager.getValidToken} wins another token with it. A refresh under way is waited for, for up to 120 s.
   *
   * @param scope Only the token for this scope, and whatever else that token serves; the refresh token stays. Default: all.
   * @returns what became of them, also where the issuer could not be told: then they are gone from here all the same.
   * @throws {AuthError} `KM_AUTH_CACHE` when the cache cannot be read, and `KM_AUTH_LOCK_TIMEOUT` when another process holds
   *   its lock for too long: then nothing was ended. `KM_AUTH_INVALID_OPTION` when `scope` is not valid; `KM_AUTH_CONFIGURATION`
   *   when the files of this library were replaced under the running program.
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
   */
  revoke(scope?: Scope): Promise<Revocation>;

  /** Checks every `checkIntervalMs`, and refreshes what is due. Keeps no process alive. A second call does nothing. */
  start(): void;

  /**
   * Ends the checks and every wait: for another try, and for the lock that another process holds. A refresh that was sent
   * is waited for and stored; until then no other is sent. The manager can still be asked afterwards.
   */
  stop(): Promise<void>;

  /** Local clock minus the API's, in milliseconds, as last seen; `undefined` before the first answer. */
  readonly clockSkewMs: number | undefined;

  /** Calls `listener` with every event; returns what ends that. A listener that throws breaks nothing. */
  subscribe(listener: AuthEventListener): () => void;
}
