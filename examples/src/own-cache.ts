// Your own cache: whoever shares the storage shares tokens and the lock. Here it is one map for two managers; in
// earnest it is your database, and `withLock` must keep out every other process that uses it, and give up with
// `KM_AUTH_LOCK_TIMEOUT` when `timeoutMs` have passed. Nobody holds this one for long.
import { createAuthManager, type GrantKey, type GrantRecord, type TokenCache } from '@kilometers/auth';
import { startLocalApi } from '@kilometers/local-api';

function createMapCache(): TokenCache {
  const grants = new Map<string, { readonly key: GrantKey; readonly record: GrantRecord }>();
  let turn: Promise<unknown> = Promise.resolve();
  const idOf = (key: GrantKey): string => JSON.stringify([key.apiOrigin, key.profile, key.credential]);
  return {
    kind: 'map',
    getGrant: (key) => Promise.resolve(grants.get(idOf(key))?.record),
    updateGrant: (key, change) => {
      const record = change(grants.get(idOf(key))?.record);
      if (record === undefined) grants.delete(idOf(key));
      else grants.set(idOf(key), { key, record });
      return Promise.resolve(record);
    },
    listGrants: () => Promise.resolve([...grants.values()].map(({ key }) => key)),
    withLock: (_key, task) => {
      const done = turn.then(task);
      turn = done.catch(() => undefined);
      return done;
    },
  };
}

await using api = await startLocalApi({ apiKeys: ['km_pro_example'] });
const config = { apiEndpoint: api.url, apiKey: 'km_pro_example', cache: createMapCache() };
await using one = createAuthManager(config);
await using other = createAuthManager(config);

const [first, second] = await Promise.all([
  one.getValidToken('monitoring'),
  other.getValidToken('monitoring'),
]);
console.log(`two managers, the same token: ${String(first.fingerprint === second.fingerprint)}`);
