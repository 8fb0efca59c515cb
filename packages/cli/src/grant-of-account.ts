import { grantKeyAtApi, scopeKey, type GrantKey, type Scope } from '@kilometers/auth';
import type { Account } from './settings.js';

/** A grant of an account, and what the keys of its tokens have after their scopes. */
export function grantOfAccount({ oauth, config, profile, endpoint }: Account): {
  readonly key: GrantKey;
  readonly keySuffix: string;
} {
  if (oauth !== undefined) return { key: oauth.grant, keySuffix: oauth.keySuffix };
  const key = grantKeyAtApi({ ...config, profile: profile.value, apiEndpoint: endpoint.value });
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
