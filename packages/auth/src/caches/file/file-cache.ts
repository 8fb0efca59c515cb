import type { GrantKey } from '../../grant-record.js';
import type { LockOptions, TokenCache } from '../../ports.js';
import type { LoginStore } from '../../stored-login.js';
import {
  decodeGrant,
  decodeTokens,
  encodeGrant,
  grantId,
  keyOfHalf,
  type GrantHalves,
} from './grant-codec.js';
import type { KeySource } from './key-file.js';
import { createLoginStore } from './login-store.js';
import type { RecordSealer } from './record-sealer.js';
import { SealedFolder, type FileCacheOptions } from './sealed-folder.js';
import { loadWriting } from './writing.js';

/** A cache in encrypted files, shared by every process of one user on one machine. */
export type FileCache = TokenCache & {
  readonly kind: 'file';
  getTokens: NonNullable<TokenCache['getTokens']>;
  /** Where the key comes from; `undefined` before there is one. */
  keySource(): KeySource | undefined;
  /** Who holds the lock of a grant now, in words; `undefined` when nobody does. */
  lockOwner(key: GrantKey): Promise<string | undefined>;
  /** How profiles are logged in, sealed with the same key. */
  readonly logins: LoginStore;
  /**
   * Seals other files with the key of these. Reads the key as it is now; makes one where there is none.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when there is no key and none can be made, or its keyring is locked.
   */
  recordSealer(): Promise<RecordSealer>;
};

/**
 * Keeps tokens in `.auth_cache` and what can mint them in `.credentials`, both sealed with AES-256-GCM,
 * replaced as one step, mode 600. `rm .auth_cache` loses no login.
 */
export function createFileCache(options: FileCacheOptions): FileCache {
  const folder = new SealedFolder(options);
  const { tokens: tokensFile, logins: loginsFile } = folder;

  const lockOf = (key: GrantKey) => folder.lockOf(grantId(key).toString('hex'), `profile ${key.profile}`);

  return {
    kind: 'file',
    logins: createLoginStore(folder),
    keySource: () => folder.keySource(),
    async recordSealer() {
      const { createRecordSealer } = await loadWriting();
      return createRecordSealer(await folder.ensureKey());
    },
    lockOwner: async (key) => lockOf(key).owner(),
    async getGrant(key) {
      const id = grantId(key);
      return decodeGrant({
        login: await folder.read(loginsFile, id),
        tokens: await folder.read(tokensFile, id),
      });
    },
    // What mints them is in the other file.
    getTokens: async (key) => decodeTokens(await folder.read(tokensFile, grantId(key))),
    updateGrant: (key, change) =>
      folder.whileWriting(async ({ read, write }) => {
        const id = grantId(key);
        const record = change(
          decodeGrant({ login: await read(loginsFile, id), tokens: await read(tokensFile, id) }),
        );
        const { login, tokens }: GrantHalves =
          record === undefined ? { login: undefined, tokens: undefined } : encodeGrant(key, record);
        // What must not be lost goes first.
        await write(loginsFile, id, login);
        await write(tokensFile, id, tokens, record);
        return record;
      }),
    async listGrants() {
      const byId = new Map<string, GrantKey>();
      const plaintexts = [...(await folder.readAll(loginsFile)), ...(await folder.readAll(tokensFile))];
      for (const plaintext of plaintexts) {
        const key = keyOfHalf(plaintext);
        if (key !== undefined) byId.set(grantId(key).toString('hex'), key);
      }
      return [...byId.values()];
    },
    async withLock<T>(
      key: GrantKey,
      task: () => Promise<T>,
      { unless, ...waiting }: LockOptions<T>,
    ): Promise<T> {
      folder.prepare();
      const held = await lockOf(key).acquire({ ...waiting, unless: unless && folder.afterChange(unless) });
      if (!('release' in held)) return held.instead;
      try {
        return await task();
      } finally {
        await held.release();
      }
    },
    subscribe: (listener) => folder.subscribe(listener),
  };
}
