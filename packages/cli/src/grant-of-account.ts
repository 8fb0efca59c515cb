import {
  credentialFingerprint,
  parseEndpoint,
  Secret,
  type AuthManagerConfig,
  type Credential,
  type GrantKey,
} from '@kilometers/auth';

/** Whose grant is meant. */
export type GrantOwner = Pick<AuthManagerConfig, 'apiKey' | 'clientCredentials'> & {
  readonly profile: string;
  readonly apiEndpoint: string;
};

function credentialIn({ apiKey, clientCredentials }: GrantOwner): Credential | undefined {
  if (apiKey !== undefined) return { kind: 'api_key', apiKey: Secret.from(apiKey) };
  if (clientCredentials === undefined) return undefined;
  const { clientId, clientSecret } = clientCredentials;
  return { kind: 'client_credentials', clientId, clientSecret: Secret.from(clientSecret) };
}

/** Under what the manager keeps the grant of this account. */
export function grantKeyOf(owner: GrantOwner): GrantKey {
  return {
    apiOrigin: parseEndpoint(owner.apiEndpoint).origin,
    profile: owner.profile,
    credential: credentialFingerprint(credentialIn(owner)),
  };
}
