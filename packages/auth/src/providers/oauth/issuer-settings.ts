import { AuthError } from '../../auth-error.js';
import type { Secret } from '../../secret.js';
import type { ClientAuthentication, OAuthEndpoints, OAuthProviderOptions } from './oauth-options.js';

/** What a login at an issuer was made with, as it is stored and as `config.json` has it. Never a secret. */
export type IssuerSettings = {
  /** The issuer, as a URL: https, or http to loopback. */
  readonly issuer: string;
  readonly clientId: string;
  /** By a person in a browser or with a code, or by the client alone. */
  readonly login: 'browser' | 'device' | 'client';
  /** How the client shows who it is, as far as that is no secret. Default: it is a public one. */
  readonly clientAuthentication?: {
    readonly method: ClientAuthentication['method'];
    /** The path of a private key. */
    readonly keyFile?: string;
    /** The path of a certificate. */
    readonly certificateFile?: string;
  };
  readonly scopes?: readonly string[];
  readonly resources?: readonly string[];
  readonly audience?: string;
  readonly redirectUri?: string;
  readonly prompt?: string;
  /** Tokens bound to a key of this machine: always, or where the issuer offers it. */
  readonly dpop?: boolean | 'if-offered';
  readonly endpoints?: OAuthEndpoints;
};

/** Of a program with the library as well, which has no `config.json`. */
function needs({ issuer }: IssuerSettings, what: string): AuthError {
  return new AuthError(
    'KM_AUTH_CONFIGURATION',
    `provider.clientAuthentication of the login at ${issuer} needs ${what}: log in again with it`,
  );
}

function authenticationOf(settings: IssuerSettings, clientSecret: Secret | undefined): ClientAuthentication {
  const { method = 'none', keyFile, certificateFile } = settings.clientAuthentication ?? {};
  switch (method) {
    case 'none':
      return { method };
    case 'private_key_jwt':
      if (keyFile === undefined) throw needs(settings, 'a keyFile');
      return { method, keyFile };
    case 'tls_client_auth':
      if (keyFile === undefined || certificateFile === undefined)
        throw needs(settings, 'a keyFile and a certificateFile');
      return { method, keyFile, certificateFile };
    default:
      if (clientSecret === undefined) throw needs(settings, 'a secret, and none is stored');
      return { method, clientSecret };
  }
}

/**
 * The options of `createOAuthProvider` for an issuer whose settings are stored.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` where the client's key, certificate or secret is missing.
 */
export function issuerOptions(
  settings: IssuerSettings,
  clientSecret: Secret | undefined,
): OAuthProviderOptions {
  const { issuer, clientId, login, scopes, resources, audience, endpoints, dpop } = settings;
  return {
    issuer,
    clientId,
    clientAuthentication: authenticationOf(settings, clientSecret),
    ...(login === 'client' && { grant: { type: 'client_credentials' } }),
    scopes,
    resources,
    audience,
    endpoints,
    dpop,
  };
}
