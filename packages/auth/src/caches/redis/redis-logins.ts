import type { CacheNotice } from '../../cache-notice.js';
import type { EndedOf, LoginStore, StoredLogin } from '../../stored-login.js';
import { encodeEndedLogin, encodeLogin, endedLoginId, loginId } from '../file/login-store.js';
import type { RedisConnection } from './redis-connection.js';
import { CHANGE_FIELD } from './redis-scripts.js';
import type { RedisSettings } from './redis-settings.js';
import { openValue, sealValue } from './sealed-value.js';

/** The logins of the profiles, and what is kept of those that are over, in one hash, each sealed by itself. */
export function createRedisLogins(
  settings: RedisSettings,
  connection: Pick<RedisConnection, 'ask'>,
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
      message: `login ${field.slice(0, 8)} in Redis at ${address.label} does not open: it counts as none`,
      mayConcernLogin: ({ profile }) => loginId(profile).toString('hex') === field,
    });
    return undefined;
  }

  async function all<T>(decode: (plaintext: Buffer) => T | undefined): Promise<readonly T[]> {
    const pairs = (await connection.ask('HGETALL', name)) as readonly Buffer[];
    return pairs.flatMap((sealed, at) =>
      at % 2 === 0 ? [] : (open(String(pairs[at - 1]), sealed, decode) ?? []),
    );
  }

  const sealedField = (id: Buffer, plaintext: Buffer): readonly [field: string, sealed: Buffer] => [
    id.toString('hex'),
    sealValue(key, [{ id, plaintext }]),
  ];

  const sealedIn = async (field: string): Promise<Buffer | undefined> => {
    const sealed = await connection.ask('HGET', name, field);
    return Buffer.isBuffer(sealed) ? sealed : undefined;
  };

  async function get(profile: string): Promise<StoredLogin | undefined> {
    const field = loginId(profile).toString('hex');
    const sealed = await sealedIn(field);
    return sealed && open(field, sealed, makers.decodeLogin);
  }

  /** Replaces the login that is there, or removes it, and keeps `endedOf` it. Returns it. */
  async function replace(
    field: string,
    next: Buffer | '',
    endedOf: EndedOf,
  ): Promise<StoredLogin | undefined> {
    for (;;) {
      const sealed = await sealedIn(field);
      const before = sealed && open(field, sealed, makers.decodeLogin);
      const ended = before && endedOf(before);
      const [keptField, kept] =
        ended === undefined ? ['', ''] : sealedField(endedLoginId(ended.grant), encodeEndedLogin(ended));
      const change = [field, sealed ?? '', next, keptField, kept];
      if ((await connection.ask('EVAL', CHANGE_FIELD, 1, name, ...change)) === 1) return before;
    }
  }

  async function remove(id: Buffer): Promise<void> {
    await connection.ask('HDEL', name, id.toString('hex'));
  }

  return {
    get,
    set: (login, endedOf = () => undefined) =>
      replace(...sealedField(loginId(login.profile), encodeLogin(login)), endedOf),
    remove: (profile) => remove(loginId(profile)),
    list: () => all(makers.decodeLogin),
    async end(profile, endedOf) {
      await replace(loginId(profile).toString('hex'), '', endedOf);
    },
    listEnded: () => all(makers.decodeEndedLogin),
    forget: (grant) => remove(endedLoginId(grant)),
  };
}
