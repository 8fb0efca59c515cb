import type { AuthorizationServer } from 'oauth4webapi';
import { parseEndpoint } from '../../api-origin.js';
import type { OAuthEndpoints } from './oauth-options.js';

/**
 * What a discovery document would say of endpoints that are given by hand.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8414#section-2 | RFC 8414 §2}
 */
export function membersOf(endpoints: OAuthEndpoints): Partial<AuthorizationServer> {
  const { token, authorization, deviceAuthorization, revocation, introspection } = endpoints;
  return {
    ...(token !== undefined && { token_endpoint: token }),
    ...(authorization !== undefined && { authorization_endpoint: authorization }),
    ...(deviceAuthorization !== undefined && { device_authorization_endpoint: deviceAuthorization }),
    ...(revocation !== undefined && { revocation_endpoint: revocation }),
    ...(introspection !== undefined && { introspection_endpoint: introspection }),
  };
}

/** The endpoints of a server to which secrets go. */
export type SecretEndpoint =
  | 'token_endpoint'
  | 'authorization_endpoint'
  | 'device_authorization_endpoint'
  | 'revocation_endpoint'
  | 'introspection_endpoint';

/**
 * An endpoint that a server has, or `undefined`.
 *
 * @throws {AuthError} `KM_AUTH_INSECURE_ENDPOINT` or `KM_AUTH_INVALID_OPTION` when it may not be used.
 */
export function endpointOf(server: AuthorizationServer, name: SecretEndpoint): URL | undefined {
  const endpoint = server[name];
  return endpoint === undefined ? undefined : parseEndpoint(endpoint, `its ${name}`);
}
