import type { CacheNotice } from '../../cache-notice.js';
import type { LoginStore, StoredLogin } from '../../stored-login.js';
import { encodeEndedLogin, encodeLogin, endedLoginId, loginId } from '../file/login-store.js';
import type { RedisConnection } from './redis-connection.js';
import { REPLACE_FIELD } from './redis-scripts.js';
import type { RedisSettings } from './redis-settings.js';
import { openValue, sealValue } from './sealed-value.js';

/** The logins of the profiles, and what is kept of those that are over, in one hash, each sealed by itself. */
export function createRedisLogins(
  settings: RedisSettings,
  connection: RedisConnection,
  tell: (notice: CacheNotice) => void,
): LoginStore {
  const { key, namePrefix, address, makers } = settings;
  const name = `${namePrefix}logins`;

  function open<T>(
    field: string,
    sealed: Buffer,
    decode: (plaintext: Buffer) => T | undefined,
  ): T | undefined {
    const parts = openValue(settings, sealed);
    const [part] = parts ?? [];
    if (part?.id.toString('hex') === field) return decode(part.plaintext);
    tell({
      kind: 'corrupt',
      message: `a login in Redis at ${address.label} does not open: it counts as none`,
    });
    return undefined;
  }

  async function all<T>(decode: (plaintext: Buffer) => T | undefined): Promise<readonly T[]> {
    const pairs = (await connection.ask('HGETALL', name)) as readonly Buffer[];
    return pairs.flatMap((sealed, at) =>
      at % 2 === 0 ? [] : (open(String(pairs[at - 1]), sealed, decode) ?? []),
    );
  }

  async function replace(id: Buffer, plaintext: Buffer): Promise<StoredLogin | undefined> {
    const field = id.toString('hex');
    const sealed = sealValue(key, [{ id, plaintext }]);
    const before = await connection.ask('EVAL', REPLACE_FIELD, 1, name, field, sealed);
    return Buffer.isBuffer(before) ? open(field, before, makers.decodeLogin) : undefined;
  }

  async function get(profile: string): Promise<StoredLogin | undefined> {
    const field = loginId(profile).toString('hex');
    const sealed = await connection.ask('HGET', name, field);
    return Buffer.isBuffer(sealed) ? open(field, sealed, makers.decodeLogin) : undefined;
  }

  async function remove(id: Buffer): Promise<void> {
    await connection.ask('HDEL', name, id.toString('hex'));
  }

  return {
    get,
    set: (login) => replace(loginId(login.profile), encodeLogin(login)),
    remove: (profile) => remove(loginId(profile)),
    list: () => all(makers.decodeLogin),
    async end(profile, endedOf) {
      const login = await get(profile);
      const ended = login && endedOf(login);
      if (ended !== undefined) await replace(endedLoginId(ended.grant), encodeEndedLogin(ended));
      await remove(loginId(profile));
    },
    listEnded: () => all(makers.decodeEndedLogin),
    forget: (grant) => remove(endedLoginId(grant)),
  };
}
