import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import { Secret } from '../../secret.js';
import type { OAuthLibrary } from './issuer-wire.js';
import type { ClientAuthentication } from './oauth-options.js';
import { loadSigningKey } from './signing-key.js';

/**
 * How a client shows who it is at this server.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when its key cannot be used.
 */
export async function clientAuthenticator(
  library: OAuthLibrary,
  authentication: ClientAuthentication,
  server: AuthorizationServer,
): Promise<ClientAuth> {
  switch (authentication.method) {
    case 'none':
      return library.None();
    case 'client_secret':
    case 'client_secret_basic':
    case 'client_secret_post': {
      const secret = Secret.from(authentication.clientSecret).reveal();
      return wantsPost(authentication.method, server)
        ? library.ClientSecretPost(secret)
        : library.ClientSecretBasic(secret);
    }
    case 'private_key_jwt': {
      const { audience } = authentication;
      const { key, keyId, algorithm } = await loadSigningKey(authentication);
      return library.PrivateKeyJwt(
        { key, ...(keyId !== undefined && { kid: keyId }) },
        {
          [library.modifyAssertion]: (header, payload) => {
            // Of two names of one algorithm the library takes one; servers may know the other only.
            header['alg'] = algorithm;
            if (audience !== undefined) payload['aud'] = audience;
          },
        },
      );
    }
    case 'tls_client_auth':
      return library.TlsClientAuth();
  }
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc8414#section-2 | RFC 8414 §2}: basic where the server says nothing. */
function wantsPost(method: string, server: AuthorizationServer): boolean {
  if (method !== 'client_secret') return method === 'client_secret_post';
  const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return !supported.includes('client_secret_basic') && supported.includes('client_secret_post');
}
