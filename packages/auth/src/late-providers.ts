import { parseEndpoint } from './api-origin.js';
import { lazily, madeOnce } from './lazily.js';
import type { RevocableToken } from './ports.js';
import type { DeviceLogin, DeviceLoginOptions } from './providers/device-login.js';
import type { KilometersProvider, KilometersProviderOptions } from './providers/kilometers-provider.js';
import type { RevokeTokenOptions } from './providers/revoke-token.js';

/** What talks to the service. Most processes find their token in the cache and end: they never load it. */
const loadProviders = lazily(() => import('./providers-side.js'));

/**
 * Obtains tokens from the Kilometers API. Never caches, never retries.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` or `KM_AUTH_INSECURE_ENDPOINT` for a wrong `apiEndpoint`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5 | RFC 6749 §5}
 */
export function createKilometersProvider(options: KilometersProviderOptions): KilometersProvider {
  parseEndpoint(options.apiEndpoint);
  const provider = madeOnce(async () => (await loadProviders()).createKilometersProvider(options));
  return {
    requestToken: async (request) => (await provider()).requestToken(request),
    revoke: async (token) => (await provider()).revoke(token),
  };
}

/**
 * Tells the Kilometers API to end a token before its time. A refresh token ends with its whole family.
 * Resolves with whether the API has taken it, which the page of a captive portal does not say; never follows a redirect,
 * never tries again.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` or `KM_AUTH_INSECURE_ENDPOINT` for a wrong `apiEndpoint`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.1 | RFC 7009 §2.1}
 */
export async function revokeToken(token: RevocableToken, options: RevokeTokenOptions): Promise<boolean> {
  const providers = await loadProviders();
  return providers.revokeToken(token, options);
}

/**
 * Starts a login for a device with no browser at the Kilometers API: shows nothing and opens nothing, that is its
 * caller's part.
 *
 * @throws {AuthError} `KM_AUTH_UNREACHABLE` when the API cannot be reached; `KM_AUTH_INVALID_SCOPE` and
 *   `KM_AUTH_CONFIGURATION` when it refuses; `KM_AUTH_INVALID_OPTION` or `KM_AUTH_INSECURE_ENDPOINT` for a wrong `apiEndpoint`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8628 | RFC 8628}
 */
export async function startDeviceLogin(options: DeviceLoginOptions): Promise<DeviceLogin> {
  const providers = await loadProviders();
  return providers.startDeviceLogin(options);
}
