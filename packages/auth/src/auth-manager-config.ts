import type { AuthToken } from './auth-token.js';
import type { Clock } from './clock.js';
import type { TokenCache, TokenProvider } from './ports.js';
import type { RefreshSettings } from './refresh-policy.js';
import type { Secret } from './secret.js';

/** A token that is wanted, and that is not in the cache. */
export type WantedToken = {
  /** Its scope, as events name it. */
  readonly scope: string;
  /** The token that it replaces: one that is due, over or rejected. `undefined` where there is none. */
  readonly replaces: AuthToken | undefined;
  /** How long it must be good for, in milliseconds, 0 or more: longer than what it replaces. */
  readonly minValidMs: number;
};

/** What an `AuthManager` is made from. Everything has a default; a credential is needed to get far. */
export type AuthManagerConfig = { readonly [K in keyof RefreshSettings]?: RefreshSettings[K] | undefined } & {
  /** Base URL of the API: https, or http to loopback. Default `https://api.kilometers.ai`. */
  readonly apiEndpoint?: string | undefined;
  /** The named account. Default `default`. */
  readonly profile?: string | undefined;
  /** Mints tokens, and takes over when a refresh token cannot be used. */
  readonly apiKey?: string | Secret | undefined;
  /** A client's own credentials (RFC 6749 §4.4), instead of an API key. */
  readonly clientCredentials?:
    { readonly clientId: string; readonly clientSecret: string | Secret } | undefined;
  /** A refresh token won elsewhere. It is used up with the first refresh: give a cache that outlives the process. */
  readonly refreshToken?: string | Secret | undefined;
  /** Where tokens are kept, and with whom they are shared. Default: this manager's memory. */
  readonly cache?: TokenCache | undefined;
  /** Who issues the tokens. Default: the Kilometers API at `apiEndpoint`. */
  readonly provider?: TokenProvider | undefined;
  /** The command that an error tells a human to run, or what makes it of the scopes that the login must have. Default `km auth login`. */
  readonly loginCommand?: string | ((scopes: readonly string[]) => string) | undefined;
  /** The login whose tokens these are, as a finished `startBrowserLogin` or `startDeviceLogin` names it. For an OAuth provider. */
  readonly loginId?: string | undefined;
  /**
   * Has another process put the wanted token into the shared cache, and resolves when that is done, or cannot be: what is
   * there then is taken, and otherwise the manager asks for it itself. For a process that may be killed at any time, and
   * with it the answer to a refresh token that can be used once. It is called before a token is asked for; not for one that
   * was revoked, and not once the manager was stopped. What it rejects with is nothing, unless it is an
   * `AuthError`: with that, `getValidToken` and `forceRefresh` reject. Default: the manager asks itself.
   */
  readonly renewElsewhere?: ((wanted: WantedToken) => Promise<void>) | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
  /** From 0 up to, not including, 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
};
