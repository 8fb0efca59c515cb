import type { CacheNotice } from '../../cache-notice.js';
import type { LoginStore, StoredLogin } from '../../stored-login.js';
import { encodeLogin, loginId } from '../file/login-store.js';
import type { RedisConnection } from './redis-connection.js';
import { REPLACE_FIELD } from './redis-scripts.js';
import type { RedisSettings } from './redis-settings.js';
import { openValue, sealValue } from './sealed-value.js';

/** The logins of the profiles, in one hash, each sealed by itself. */
export function createRedisLogins(
  settings: RedisSettings,
  connection: RedisConnection,
  tell: (notice: CacheNotice) => void,
): LoginStore {
  const { key, namePrefix, address, makers } = settings;
  const name = `${namePrefix}logins`;

  function open(field: string, sealed: Buffer): StoredLogin | undefined {
    const parts = openValue(settings, sealed);
    const [part] = parts ?? [];
    if (part?.id.toString('hex') === field) return makers.decodeLogin(part.plaintext);
    tell({
      kind: 'corrupt',
      message: `a login in Redis at ${address.label} does not open: it counts as none`,
    });
    return undefined;
  }

  return {
    async get(profile) {
      const field = loginId(profile).toString('hex');
      const sealed = await connection.ask('HGET', name, field);
      return Buffer.isBuffer(sealed) ? open(field, sealed) : undefined;
    },
    async set(login) {
      const id = loginId(login.profile);
      const field = id.toString('hex');
      const sealed = sealValue(key, [{ id, plaintext: encodeLogin(login) }]);
      const before = await connection.ask('EVAL', REPLACE_FIELD, 1, name, field, sealed);
      return Buffer.isBuffer(before) ? open(field, before) : undefined;
    },
    async remove(profile) {
      await connection.ask('HDEL', name, loginId(profile).toString('hex'));
    },
    async list() {
      const pairs = (await connection.ask('HGETALL', name)) as readonly Buffer[];
      return pairs.flatMap((sealed, at) => (at % 2 === 0 ? [] : (open(String(pairs[at - 1]), sealed) ?? [])));
    },
  };
}
