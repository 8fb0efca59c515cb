import { AuthToken, createFileCache, type FileCache, type GrantKey } from '@kilometers/auth';
import { grantKeyOf } from '../../src/grant-of-account.js';
import { findToken } from '../../src/token-hit/find-token.js';
import type { PlainTokenFlags } from '../../src/token-hit/plain-token-flags.js';
import { temporaryFolder } from './context.js';
import { FakeClock } from './fake-clock.js';

const API_ENDPOINT = 'https://api.example';

/** A token of an hour, from now. */
export async function storeToken(
  { cache, key, clock }: { readonly cache: FileCache; readonly key: GrantKey; readonly clock: FakeClock },
  value: string,
): Promise<void> {
  const issuedAtMs = clock.nowMs();
  const token = new AuthToken({
    value,
    scopes: ['monitoring'],
    issuedAtMs,
    expiresAtMs: issuedAtMs + 3_600_000,
  });
  await cache.updateGrant(key, () => ({
    tokens: new Map([['monitoring', token]]),
    unexplainedRequestsAtMs: [],
  }));
}

/** A user whose token has just been issued, and what `km auth token` finds. */
export async function userWithToken({ isWatched = false } = {}) {
  const folder = temporaryFolder();
  const clock = new FakeClock();
  const environment: Record<string, string> = {
    KM_CONFIG_DIR: folder,
    KILOMETERS_API_KEY: 'key',
    KILOMETERS_API_ENDPOINT: API_ENDPOINT,
  };
  const key = grantKeyOf({ apiKey: 'key', profile: 'default', apiEndpoint: API_ENDPOINT });
  const cache = createFileCache({ folder, environment, clock });
  await storeToken({ cache, key, clock }, 'the-token');
  const told: string[] = [];
  const find = (changes: Readonly<Record<string, string>> = {}, wanted: Partial<PlainTokenFlags> = {}) =>
    findToken(
      { scope: 'monitoring', format: 'raw', mayBeOver: false, ...wanted },
      {
        environment: { ...environment, ...changes },
        clock,
        random: () => 0,
        tell: (message) => told.push(message),
        isWatched: () => isWatched,
      },
    );
  return { folder, clock, cache, key, find, told };
}
