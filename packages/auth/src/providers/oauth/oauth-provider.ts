import { systemClock } from '../../clock.js';
import { lazily, madeOnce } from '../../lazily.js';
import type { RevocableToken, TokenGrant, TokenIssuer, TokenProvider, TokenRequest } from '../../ports.js';
import type { Secret } from '../../secret.js';
import type { Introspection } from './introspection.js';
import type { BrowserLogin, BrowserLoginOptions } from './browser-login.js';
import type { IssuerDeviceLogin, IssuerDeviceLoginOptions } from './issuer-device-login.js';
import type { IssuerDiscovery } from './issuer-metadata.js';
import type { OAuthConnection } from './oauth-connection.js';
import type { OAuthProviderOptions } from './oauth-options.js';
import { oauthSettings, type OAuthSettings } from './oauth-settings.js';

/** Obtains tokens from any OAuth 2.0 or OpenID issuer. Never caches, never retries. */
export interface OAuthProvider extends TokenProvider {
  readonly issuer: TokenIssuer;

  /** As in {@link TokenProvider}; here it is always there. */
  createProofKey(): Promise<Secret | undefined>;

  /**
   * Asks the issuer what it publishes, whatever is known of it; `undefined` where its token endpoint is given by hand, so
   * that there is nothing to ask for.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when trying again later may work; `KM_AUTH_CONFIGURATION` when it publishes
   *   nothing, or a document of another issuer.
   * @see {@link https://www.rfc-editor.org/rfc/rfc8414#section-3 | RFC 8414 §3}
   */
  discover(): Promise<IssuerDiscovery | undefined>;

  /**
   * Tells the issuer to end a token before its time; a refresh token ends with its login.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when trying again later may work; `KM_AUTH_CONFIGURATION` when the
   *   issuer ends none early.
   * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2 | RFC 7009 §2}
   */
  revoke(token: RevocableToken): Promise<void>;

  /**
   * Asks the issuer how a token is: whether it still takes it, and what it is for.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when trying again later may work; `KM_AUTH_CONFIGURATION` when the
   *   issuer says nothing of its tokens, or not to this client.
   * @see {@link https://www.rfc-editor.org/rfc/rfc7662#section-2 | RFC 7662 §2}
   */
  introspect(token: RevocableToken): Promise<Introspection>;

  /**
   * Starts a login in a browser on this machine, by authorization code with PKCE: shows nothing and opens nothing, that
   * is its caller's part.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when the issuer cannot be reached; `KM_AUTH_CONFIGURATION` when nobody can
   *   log in there so, or another program has the port; `KM_AUTH_INVALID_OPTION` for a wrong `redirectUri`.
   * @see {@link https://www.rfc-editor.org/rfc/rfc8252 | RFC 8252}
   */
  startBrowserLogin(options?: BrowserLoginOptions): Promise<BrowserLogin>;

  /**
   * Starts a login for a device with no browser: shows nothing and opens nothing, that is its caller's part.
   *
   * @throws {AuthError} `KM_AUTH_UNREACHABLE` when the issuer cannot be reached; `KM_AUTH_INVALID_SCOPE` and
   *   `KM_AUTH_CONFIGURATION` when it refuses, or knows no such logins.
   * @see {@link https://www.rfc-editor.org/rfc/rfc8628 | RFC 8628}
   */
  startDeviceLogin(options?: IssuerDeviceLoginOptions): Promise<IssuerDeviceLogin>;
}

/** The protocol. Most processes find their token in the cache and end: they never load it. */
const loadProtocol = lazily(() => Promise.all([import('oauth4webapi'), import('./oauth-connection.js')]));

const loadIntrospection = lazily(() => import('./introspection.js'));
const loadBrowserLogin = lazily(() => import('./browser-login.js'));
const loadDeviceLogin = lazily(() => import('./issuer-device-login.js'));

const LOAD_AFTER_MS = 1_000;

async function connectionFor(settings: OAuthSettings): Promise<OAuthConnection> {
  const [library, { OAuthConnection: Connection }] = await loadProtocol();
  return new Connection(library, settings);
}

/**
 * A provider for an OAuth 2.0 or OpenID issuer. Nothing is loaded and nothing is sent before a token is asked for.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when a value is not allowed; `KM_AUTH_INSECURE_ENDPOINT` for plain
 *   http to another machine.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749 | RFC 6749}
 */
export function createOAuthProvider(options: OAuthProviderOptions): OAuthProvider {
  const settings = oauthSettings(options);
  const connect = madeOnce(() => connectionFor(settings));
  // A program that lives on has all of the library before somebody replaces its files; one that ends pays nothing.
  systemClock.schedule(() => void loadProtocol().catch(() => undefined), LOAD_AFTER_MS, false);
  return {
    issuer: settings.tokenIssuer,
    createProofKey: async () => (settings.dpop === false ? undefined : (await connect()).createProofKey()),
    requestToken: async (request: TokenRequest): Promise<TokenGrant> =>
      (await connect()).requestToken(request),
    startBrowserLogin: async (login = {}) =>
      (await loadBrowserLogin()).startBrowserLogin(await connect(), login),
    startDeviceLogin: async (login = {}) =>
      (await loadDeviceLogin()).startIssuerDeviceLogin(await connect(), login),
    discover: async () => (await connect()).metadata.discover(),
    introspect: async (token) => (await loadIntrospection()).introspectToken(await connect(), token),
    revoke: async (token) => (await connect()).revoke(token),
  };
}
