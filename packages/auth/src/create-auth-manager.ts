import { DEFAULT_API_ENDPOINT, parseEndpoint } from './api-origin.js';
import { AuthError } from './auth-error.js';
import type { AuthManager } from './auth-manager.js';
import type { AuthManagerConfig } from './auth-manager-config.js';
import { createMemoryCache } from './caches/memory-cache.js';
import { systemClock } from './clock.js';
import { credentialIn, type Credential } from './credential.js';
import { createKilometersProvider } from './late-providers.js';
import { defaultLoginCommand } from './login-command.js';
import { DEFAULT_PROFILE, expectProfileName } from './profile-name.js';
import { refreshSettings } from './refresh-settings.js';
import { grantKeyOf } from './grant-key.js';
import { Secret } from './secret.js';
import { createSeededCache } from './caches/seeded-cache.js';
import { TokenManager } from './token-manager.js';

function credentialOf(config: AuthManagerConfig): Credential | undefined {
  const issuer = config.provider?.issuer;
  return issuer?.mints === undefined
    ? credentialIn(config)
    : { kind: 'provider', identity: issuer.identity, ...issuer.mints };
}

/** What is there and empty was to be read from somewhere, and was not found: nobody means it. */
function expectSecrets({ apiKey, clientCredentials, refreshToken }: AuthManagerConfig): void {
  const given = { apiKey, 'clientCredentials.clientSecret': clientCredentials?.clientSecret, refreshToken };
  for (const [name, secret] of Object.entries(given)) {
    if (secret === undefined || Secret.from(secret).reveal().trim() !== '') continue;
    throw new AuthError('KM_AUTH_INVALID_OPTION', `${name} is empty: give it, or leave it out`);
  }
}

/**
 * Makes the manager of one profile's tokens.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when a value is not allowed; `KM_AUTH_INSECURE_ENDPOINT`
 *   when `apiEndpoint` is plain http to another machine.
 */
export function createAuthManager(config: AuthManagerConfig = {}): AuthManager {
  const {
    apiEndpoint = config.provider?.issuer?.origin ?? DEFAULT_API_ENDPOINT,
    profile = DEFAULT_PROFILE,
    clock = systemClock,
    random = Math.random,
  } = config;
  const settings = refreshSettings(config);
  const endpoint = parseEndpoint(apiEndpoint);
  expectProfileName(profile);
  expectSecrets(config);
  const credential = credentialOf(config);
  const seed = config.refreshToken === undefined ? undefined : Secret.from(config.refreshToken);
  const { cache = createMemoryCache({ clock }), loginCommand = defaultLoginCommand(profile) } = config;
  const key = grantKeyOf({
    profile,
    apiOrigin: endpoint.origin,
    issuer: config.provider?.issuer,
    credential,
    loginId: config.loginId ?? seed?.fingerprint ?? '',
  });
  return new TokenManager({
    key,
    apiOrigin: endpoint.origin,
    credential,
    provider:
      config.provider ??
      createKilometersProvider({ apiEndpoint, requestTimeoutMs: settings.requestTimeoutMs, clock }),
    cache: seed === undefined ? cache : createSeededCache(cache, { secret: seed, grant: key }, clock),
    clock,
    random,
    settings,
    renewElsewhere: config.renewElsewhere,
    loginCommand: typeof loginCommand === 'string' ? () => loginCommand : loginCommand,
  });
}
