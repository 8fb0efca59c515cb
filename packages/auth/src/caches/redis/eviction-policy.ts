import type { RedisConnection } from './redis-connection.js';
import { isNotAllowed } from './redis-error.js';

const THROWS_NOTHING_AWAY = 'noeviction';

/**
 * As `RedisStorage.evictionPolicy`. By INFO, which a user may be given who must not see, nor change, the configuration.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when Redis does not serve.
 */
export async function evictionPolicy(connection: Pick<RedisConnection, 'ask'>): Promise<string | undefined> {
  let said: string;
  try {
    said = String(await connection.ask('INFO', 'memory'));
  } catch (error) {
    if (isNotAllowed(error)) return undefined;
    throw error;
  }
  const valueOf = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(said)?.[1];
  const policy = valueOf('maxmemory_policy');
  return policy === THROWS_NOTHING_AWAY || valueOf('maxmemory') === '0' ? undefined : policy;
}
