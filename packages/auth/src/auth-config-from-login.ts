import { parseEndpoint } from './api-origin.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import { createKilometersProvider } from './late-providers.js';
import { defaultLoginCommand } from './login-command.js';
import { configOfLogin, grantKeyOfLogin, whileStored } from './login-in-use.js';
import type { DocumentStore, TokenCache, TokenProvider } from './ports.js';
import { DEFAULT_PROFILE, expectProfileName } from './profile-name.js';
import type { HttpTransport } from './providers/http-transport.js';
import { issuerOptions, type IssuerSettings } from './providers/oauth/issuer-settings.js';
import { createOAuthProvider } from './providers/oauth/oauth-provider.js';
import { loginRequired } from './refresh-errors.js';
import type { LoginStore, StoredLogin } from './stored-login.js';

/** A cache that logins are kept in as well: in files, or in Redis. */
export type CacheWithLogins = TokenCache & { readonly logins: Pick<LoginStore, 'get'> };

/** How the issuer of a stored login is asked. */
export type AuthConfigFromLoginOptions = {
  /** What sends the requests. Default: Node's own http and https. */
  readonly transport?: HttpTransport;
  /** Where what an OAuth issuer publishes is kept between processes. Default: in memory. */
  readonly documents?: DocumentStore;
};

/** Who issues the tokens of `login`. */
function providerOf(
  login: StoredLogin,
  { apiEndpoint, requestTimeoutMs, clock }: AuthManagerConfig & { readonly apiEndpoint: string },
  { transport, documents }: AuthConfigFromLoginOptions,
): TokenProvider {
  const options = {
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
    ...(clock !== undefined && { clock }),
    ...(transport !== undefined && { transport }),
  };
  if (login.kind !== 'oauth') return createKilometersProvider({ apiEndpoint, ...options });
  // What was authenticated when it was opened has the shape that was written.
  const settings = login.provider as IssuerSettings;
  return createOAuthProvider({ ...issuerOptions(settings, login.clientSecret), documents, ...options });
}

/** What a human is told to run. */
function commandFor({ loginCommand, apiEndpoint, profile = DEFAULT_PROFILE }: AuthManagerConfig): string {
  if (typeof loginCommand === 'function') return loginCommand([]);
  const there = apiEndpoint === undefined ? '' : ` --endpoint ${apiEndpoint}`;
  return loginCommand ?? defaultLoginCommand(profile) + there;
}

/** Where a login is used: it is sent nowhere but to where it was made. */
function endpointFor(login: StoredLogin, config: AuthManagerConfig): string {
  const { apiEndpoint: wanted } = config;
  if (wanted === undefined) return login.apiEndpoint;
  const [at, loggedInTo] = [wanted, login.apiEndpoint].map((url) => parseEndpoint(url).origin);
  if (at === loggedInTo) return wanted;
  throw loginRequired(
    commandFor(config),
    `profile ${login.profile} is logged in to ${loggedInTo ?? ''}, and that login is not used at ${at ?? ''}: leave apiEndpoint out`,
  );
}

/**
 * `config` with the login that is stored for its profile, as `km auth login` leaves it: its credential or its issuer, and
 * the endpoint that it was made at, to which alone it is sent. The login is used as long as it is stored. A credential or a
 * provider in `config` goes before it: then nothing is read.
 *
 * @throws {AuthError} `KM_AUTH_LOGIN_REQUIRED` when nobody is logged in to the profile, or not at the `apiEndpoint` of
 *   `config`, or a newer version has stored the login; `KM_AUTH_CACHE` when the logins cannot be read;
 *   `KM_AUTH_CONFIGURATION` when a login at an issuer has lost what its client shows; `KM_AUTH_INVALID_OPTION` and
 *   `KM_AUTH_INSECURE_ENDPOINT` when a value is not allowed.
 */
export async function authConfigFromLogin(
  config: AuthManagerConfig & { readonly cache: CacheWithLogins },
  options: AuthConfigFromLoginOptions = {},
): Promise<AuthManagerConfig> {
  const { apiKey, clientCredentials, refreshToken, provider, cache, profile = DEFAULT_PROFILE } = config;
  if ((apiKey ?? clientCredentials ?? refreshToken ?? provider) !== undefined) return config;
  expectProfileName(profile);
  const login = await cache.logins.get(profile);
  if (login === undefined) throw loginRequired(commandFor(config), 'nobody is logged in');
  const whole = { ...config, profile, apiEndpoint: endpointFor(login, config) };
  const ofLogin = configOfLogin(login, defaultLoginCommand(profile));
  return {
    ...whole,
    ...ofLogin,
    loginCommand: config.loginCommand ?? ofLogin.loginCommand,
    provider: whileStored(providerOf(login, whole, options), grantKeyOfLogin(login), cache.logins),
  };
}
