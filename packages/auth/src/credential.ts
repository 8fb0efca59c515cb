import type { AuthManagerConfig } from './auth-manager-config.js';
import type { TokenRequest } from './ports.js';
import { Secret } from './secret.js';
import type { TokenTarget } from './token-key.js';

/** What mints tokens again and again, without a human and without being used up. */
export type Credential =
  | { readonly kind: 'api_key'; readonly apiKey: Secret }
  | { readonly kind: 'client_credentials'; readonly clientId: string; readonly clientSecret: Secret }
  /** What the provider was made with. */
  | {
      readonly kind: 'provider';
      readonly identity: string;
      readonly grantType: string;
      readonly fingerprint: string;
    };

/** What a manager's configuration mints tokens with at the Kilometers API. */
export function credentialIn({
  apiKey,
  clientCredentials,
}: Pick<AuthManagerConfig, 'apiKey' | 'clientCredentials'>): Credential | undefined {
  if (apiKey !== undefined) return { kind: 'api_key', apiKey: Secret.from(apiKey) };
  if (clientCredentials === undefined) return undefined;
  const { clientId, clientSecret } = clientCredentials;
  return { kind: 'client_credentials', clientId, clientSecret: Secret.from(clientSecret) };
}

/** The request that mints a token for `scopes` with `credential`. */
export function mintingRequest(
  credential: Credential,
  scopes: readonly string[],
  target: TokenTarget,
): TokenRequest {
  switch (credential.kind) {
    case 'api_key':
      return { grantType: 'api_key', apiKey: credential.apiKey, scopes };
    case 'client_credentials': {
      const { clientId, clientSecret } = credential;
      return { grantType: 'client_credentials', clientId, clientSecret, scopes };
    }
    case 'provider':
      return { grantType: 'provider', grantName: credential.grantType, scopes, target };
  }
}

/** What a credential's grant is called. */
export function grantNameOf(credential: Credential): string {
  return credential.kind === 'provider' ? credential.grantType : credential.kind;
}

/** What tells the grants of two credentials apart. Without a credential it is the grant that a person's login won. */
export function credentialFingerprint(credential: Credential | undefined): string {
  if (credential === undefined) return 'login:';
  switch (credential.kind) {
    case 'api_key':
      return `key:${credential.apiKey.fingerprint}`;
    case 'client_credentials':
      return `client:${credential.clientId}:${credential.clientSecret.fingerprint}`;
    case 'provider':
      return `oauth:${credential.identity}:${credential.grantType}:${credential.fingerprint}`;
  }
}
