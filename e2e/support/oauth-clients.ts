/** Clients as they are registered at the server. */

const REDIRECT = 'http://127.0.0.1/callback';

/** A command line on a user's machine: it has nothing to prove who it is. */
export const CLI = {
  client_id: 'cli',
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: [REDIRECT],
};

/** The same, of those that have a secret all the same, as Google's. */
export function confidentialCli(method: 'client_secret_basic' | 'client_secret_post') {
  return {
    ...CLI,
    client_id: 'confidential',
    client_secret: ODD_SECRET,
    token_endpoint_auth_method: method,
  };
}

/** The odd characters that RFC 6749 §2.3.1 encodes. */
export const ODD_SECRET = 'p@ss:w%rd+ &=/?#"\\~-_.!*\'()';

/** A service with a secret, which goes by `method`. */
export function service(method: 'client_secret_basic' | 'client_secret_post', id = 'service') {
  return {
    client_id: id,
    client_secret: ODD_SECRET,
    token_endpoint_auth_method: method,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
}

/** A service with a key of its own. */
export function keyedService(jwk: Readonly<Record<string, unknown>>) {
  return {
    client_id: 'keyed',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: jwk['alg'],
    jwks: { keys: [jwk] },
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
}

/** A service with a certificate. */
export function certifiedService(subject: string) {
  return {
    client_id: 'certified',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subject,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  };
}
