import type { TokenRequest } from './ports.js';
import type { Secret } from './secret.js';

/** What mints tokens again and again, without a human and without being used up. */
export type Credential =
  | { readonly kind: 'api_key'; readonly apiKey: Secret }
  | { readonly kind: 'client_credentials'; readonly clientId: string; readonly clientSecret: Secret };

/** The request that mints a token for `scopes` with `credential`. */
export function mintingRequest(credential: Credential, scopes: readonly string[]): TokenRequest {
  return credential.kind === 'api_key'
    ? { grantType: 'api_key', apiKey: credential.apiKey, scopes }
    : {
        grantType: 'client_credentials',
        clientId: credential.clientId,
        clientSecret: credential.clientSecret,
        scopes,
      };
}

/** What tells the grants of two credentials apart. Without a credential it is the grant that a person's login won. */
export function credentialFingerprint(credential: Credential | undefined): string {
  if (credential === undefined) return 'login:';
  return credential.kind === 'api_key'
    ? `key:${credential.apiKey.fingerprint}`
    : `client:${credential.clientId}:${credential.clientSecret.fingerprint}`;
}
