import { createRedisCache, type RedisCache } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { cacheUrlIn } from './kept-elsewhere.js';

/** One connection a process, however often its commands open their storage. */
const opened = new WeakMap<NodeJS.ProcessEnv, RedisCache>();

/**
 * The cache in Redis that `KM_CACHE_URL` and `KM_CACHE_KEY` name, where they do. Nothing of Redis is loaded before it
 * is used.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` where the address or the key is none.
 */
export function fleetCache({ environment, clock, random }: CommandContext): RedisCache | undefined {
  const url = cacheUrlIn(environment);
  if (url === '') return undefined;
  const before = opened.get(environment);
  if (before !== undefined) return before;
  const cache = createRedisCache({
    url,
    key: environment['KM_CACHE_KEY'] ?? '',
    ca: async () => {
      const { trustedCertificates } = await import('./network/trusted-certificates.js');
      return trustedCertificates(environment);
    },
    clock,
    random,
  });
  opened.set(environment, cache);
  return cache;
}
