import {
  credentialFingerprint,
  parseEndpoint,
  scopeKey,
  Secret,
  type AuthManagerConfig,
  type Credential,
  type GrantKey,
  type Scope,
} from '@kilometers/auth';
import type { Account } from './settings.js';

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

/** A grant of an account, and what the keys of its tokens have after their scopes. */
export function grantOfAccount({ oauth, config, profile, endpoint }: Account): {
  readonly key: GrantKey;
  readonly keySuffix: string;
} {
  if (oauth !== undefined) return { key: oauth.grant, keySuffix: oauth.keySuffix };
  const key = grantKeyOf({ ...config, profile: profile.value, apiEndpoint: endpoint.value });
  return { key, keySuffix: '' };
}

/** Under what the manager keeps this account's token for `scope`, and what its events call it. */
export function tokenKeyOf(account: Account, scope: Scope): string {
  return scopeKey(scope) + grantOfAccount(account).keySuffix;
}

/** Which scope the token is for that the manager keeps under `tokenKey`. */
export function scopeOfKey(tokenKey: string, { oauth }: Pick<Account, 'oauth'>): string {
  const { keySuffix = '' } = oauth ?? {};
  return tokenKey.endsWith(keySuffix) ? tokenKey.slice(0, tokenKey.length - keySuffix.length) : tokenKey;
}

/** Under what the manager keeps the grant of this account. */
export function grantKeyOf(owner: GrantOwner): GrantKey {
  return {
    apiOrigin: parseEndpoint(owner.apiEndpoint).origin,
    profile: owner.profile,
    credential: credentialFingerprint(credentialIn(owner)),
  };
}
