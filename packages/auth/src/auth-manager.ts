import type { AuthEventListener } from './auth-event.js';
import type { AuthToken } from './auth-token.js';
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
