import { DEFAULT_API_ENDPOINT, parseEndpoint } from './api-origin.js';
import type { AuthToken } from './auth-token.js';
import { systemClock, type Clock } from './clock.js';
import { entitlementsSettings, type EntitlementsSettings } from './entitlements-settings.js';
import type { Entitlements, VerifyToken } from './entitlements-verifying.js';
import { lazily } from './lazily.js';

/** Whose tokens {@link createEntitlementVerifier} verifies, and how patiently. */
export type EntitlementVerifierOptions = {
  readonly [K in keyof EntitlementsSettings]?: EntitlementsSettings[K] | undefined;
} & {
  /** Base URL of the API: https, or http to loopback. Default `https://api.kilometers.ai`. */
  readonly apiEndpoint?: string | undefined;
  /**
   * Who must have issued the token. Default: the API endpoint, for tokens that name an issuer; one that
   * names none is the API's by its signature. Where it is given, every token must name it.
   */
  readonly issuer?: string | undefined;
  /**
   * Local clock minus the API's, in milliseconds, where it is known: give `() => manager.clockSkewMs`.
   * Default: the clocks agree.
   */
  readonly clockSkewMs?: (() => number | undefined) | undefined;
  /** Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
};

/** Decides what an access token entitles to. Made by {@link createEntitlementVerifier}. */
export interface EntitlementVerifier {
  /**
   * What `token` says, once its signature, its issuer and its times are found to be right.
   *
   * @throws {AuthError} `KM_AUTH_TOKEN_INVALID` when the token is expired, forged, for another issuer, or
   *   no JWT at all; `KM_AUTH_UNREACHABLE` when the API's keys cannot be had now; `KM_AUTH_CONFIGURATION`
   *   when the API publishes none.
   * @see {@link https://www.rfc-editor.org/rfc/rfc7519#section-7.2 | RFC 7519 §7.2}
   */
  verify(token: AuthToken | string): Promise<Entitlements>;
}

/** Most programs verify nothing. */
const loadVerifying = lazily(() => import('./entitlements-verifying.js'));

/**
 * Makes what verifies access tokens against the public keys of the API. Asks for the keys with the first
 * token, keeps them, and asks again when they are old or a token names a key that is not among them.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when a value is not allowed; `KM_AUTH_INSECURE_ENDPOINT`
 *   when `apiEndpoint` is plain http to another machine.
 */
export function createEntitlementVerifier(options: EntitlementVerifierOptions = {}): EntitlementVerifier {
  const { apiEndpoint = DEFAULT_API_ENDPOINT, clock = systemClock } = options;
  const settings = entitlementsSettings(options);
  const endpoint = parseEndpoint(apiEndpoint);
  let verify: VerifyToken | undefined;
  return {
    async verify(token) {
      const { issuer, clockSkewMs } = options;
      const { createVerifier } = await loadVerifying();
      verify ??= createVerifier({ issuer, clockSkewMs, endpoint, settings, clock });
      return verify(token);
    },
  };
}
