import type { CacheNotice } from '../../cache-notice.js';
import type { LoginStore, StoredLogin } from '../../stored-login.js';
import { encodeEndedLogin, encodeLogin, endedLoginId, loginId } from '../file/login-store.js';
import type { RedisConnection } from './redis-connection.js';
import { END_FIELD, REPLACE_FIELD } from './redis-scripts.js';
import type { RedisSettings } from './redis-settings.js';
import { openValue, sealValue } from './sealed-value.js';

type EndedOf = Parameters<LoginStore['end']>[1];

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

  const sealedField = (id: Buffer, plaintext: Buffer): readonly [field: string, sealed: Buffer] => [
    id.toString('hex'),
    sealValue(key, [{ id, plaintext }]),
  ];

  async function set(login: StoredLogin): Promise<StoredLogin | undefined> {
    const [field, sealed] = sealedField(loginId(login.profile), encodeLogin(login));
    const before = await connection.ask('EVAL', REPLACE_FIELD, 1, name, field, sealed);
    return Buffer.isBuffer(before) ? open(field, before, makers.decodeLogin) : undefined;
  }

  const sealedIn = async (field: string): Promise<Buffer | undefined> => {
    const sealed = await connection.ask('HGET', name, field);
    return Buffer.isBuffer(sealed) ? sealed : undefined;
  };

  async function get(profile: string): Promise<StoredLogin | undefined> {
    const field = loginId(profile).toString('hex');
    const sealed = await sealedIn(field);
    return sealed && open(field, sealed, makers.decodeLogin);
  }

  /** Ends a login if it is still the one that was read; whether there is none now. */
  async function endRead(field: string, sealed: Buffer, endedOf: EndedOf): Promise<boolean> {
    const login = open(field, sealed, makers.decodeLogin);
    const ended = login && endedOf(login);
    const [keptField, kept] =
      ended === undefined ? ['', ''] : sealedField(endedLoginId(ended.grant), encodeEndedLogin(ended));
    return (await connection.ask('EVAL', END_FIELD, 1, name, field, sealed, keptField, kept)) === 1;
  }

  async function remove(id: Buffer): Promise<void> {
    await connection.ask('HDEL', name, id.toString('hex'));
  }

  return {
    get,
    set,
    remove: (profile) => remove(loginId(profile)),
    list: () => all(makers.decodeLogin),
    async end(profile, endedOf) {
      const field = loginId(profile).toString('hex');
      for (;;) {
        const sealed = await sealedIn(field);
        if (sealed === undefined || (await endRead(field, sealed, endedOf))) return;
      }
    },
    listEnded: () => all(makers.decodeEndedLogin),
    forget: (grant) => remove(endedLoginId(grant)),
  };
}
