import type { AuthToken, GrantRecord, TokenCache } from '@kilometers/auth';

/** Whose tokens are meant. */
export type TokenOwner = { readonly apiOrigin: string; readonly profile: string };

type IsRefused = (token: AuthToken, scope: string) => boolean;

/** Whether one of this account's stored tokens is the one that `isMeant` means. */
export async function holdsToken(cache: TokenCache, owner: TokenOwner, isMeant: IsRefused): Promise<boolean> {
  return (await grantsWith(cache, owner, isMeant)).length > 0;
}

/**
 * Takes a token that a server refused out of the cache, so that the next who asks gets a new one. It
 * counts as a request that no expiry explains: a server that refuses every token meets the storm brake.
 */
export async function dropRefusedToken(
  cache: TokenCache,
  owner: TokenOwner,
  isRefused: IsRefused,
  nowMs: number,
): Promise<void> {
  const drop = (record: GrantRecord | undefined): GrantRecord | undefined => {
    if (record === undefined) return undefined;
    const tokens = new Map([...record.tokens].filter(([scope, token]) => !isRefused(token, scope)));
    if (tokens.size === record.tokens.size) return record;
    return { ...record, tokens, unexplainedRequestsAtMs: [...record.unexplainedRequestsAtMs, nowMs] };
  };
  for (const key of await grantsWith(cache, owner, isRefused)) await cache.updateGrant(key, drop);
}

async function grantsWith(cache: TokenCache, { apiOrigin, profile }: TokenOwner, isMeant: IsRefused) {
  const own = (await cache.listGrants()).filter(
    (key) => key.apiOrigin === apiOrigin && key.profile === profile,
  );
  const records = await Promise.all(own.map((key) => cache.getGrant(key)));
  return own.filter((_, index) =>
    [...(records[index]?.tokens ?? [])].some(([scope, token]) => isMeant(token, scope)),
  );
}
