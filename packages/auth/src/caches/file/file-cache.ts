import { join } from 'node:path';
import type { CacheNotice, CacheNoticeListener } from '../../cache-notice.js';
import { systemClock, type Clock } from '../../clock.js';
import type { GrantKey, GrantRecord } from '../../grant-record.js';
import type { LockOptions, TokenCache } from '../../ports.js';
import { CacheKey } from './cache-key.js';
import { GenerationLock } from './generation-lock.js';
import { decodeGrant, encodeGrant, grantId, keyOfHalf, type GrantHalves } from './grant-codec.js';
import type { KeySource } from './key-file.js';
import { createKeyring, type Keyring } from './keyring.js';
import { machineId } from './machine-id.js';
import { makePrivateFolder } from './safe-file.js';
import { SealedFile } from './sealed-file.js';

/** Writing takes milliseconds; a writer that takes longer than this, in milliseconds, is in trouble. */
const FILES_LOCK_TIMEOUT_MS = 30_000;

export type FileCacheOptions = {
  /** Where the files are, as in `~/.config/kilometers`. Created with mode 700 where missing. */
  readonly folder: string;
  /** `XDG_RUNTIME_DIR` and `DBUS_SESSION_BUS_ADDRESS` are looked at. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** What tells this machine from another. */
  readonly machineId?: () => string;
  /** What tells this user from another. Default: the numeric user id. */
  readonly userId?: string;
  readonly keyring?: Keyring;
};

/** A cache in encrypted files, shared by every process of one user on one machine. */
export type FileCache = TokenCache & {
  /** Where the key comes from; `undefined` before there is one. */
  keySource(): KeySource | undefined;
};

/**
 * Keeps tokens in `.auth_cache` and what can mint them in `.credentials`, both sealed with AES-256-GCM,
 * replaced as one step, mode 600. `rm .auth_cache` loses no login.
 */
export function createFileCache(options: FileCacheOptions): FileCache {
  const { folder, environment, clock = systemClock, random = Math.random } = options;
  const listeners = new Set<CacheNoticeListener>();
  /** Notices from before anybody listened. */
  const untold: CacheNotice[] = [];
  const tell = (notice: CacheNotice): void => {
    if (listeners.size === 0) untold.push(notice);
    for (const listener of listeners) listener(notice);
  };
  const key = new CacheKey({
    folder,
    runtimeFolder: environment['XDG_RUNTIME_DIR'],
    keyring: options.keyring ?? createKeyring({ environment }),
    machineId: options.machineId ?? machineId,
    userId: options.userId ?? String(process.getuid?.() ?? ''),
    tell,
  });
  const tokensFile = new SealedFile(join(folder, '.auth_cache'), tell);
  const loginFile = new SealedFile(join(folder, '.credentials'), tell);
  const lockOf = (name: string, what: string): GenerationLock =>
    new GenerationLock({ folder: join(folder, '.locks', name), clock, random, what });
  const filesLock = lockOf('files', 'the token cache');

  /** Runs `task` while no other process writes the files. */
  async function whileWriting<T>(task: (fileKey: Buffer) => Promise<T>): Promise<T> {
    await makePrivateFolder(folder);
    const held = await filesLock.acquire({ timeoutMs: FILES_LOCK_TIMEOUT_MS });
    if (!('release' in held)) throw new Error('unreachable: nothing ends this wait but the lock');
    try {
      return await task(await key.ensure(clock.nowMs()));
    } finally {
      await held.release();
    }
  }

  function readHalves(fileKey: Buffer, id: Buffer): GrantHalves {
    return { login: loginFile.read(fileKey, id), tokens: tokensFile.read(fileKey, id) };
  }

  return {
    kind: 'file',
    keySource: () => key.source(),
    async getGrant(grantKey) {
      const fileKey = await key.current();
      return fileKey === undefined ? undefined : decodeGrant(readHalves(fileKey, grantId(grantKey)));
    },
    updateGrant: (grantKey, change) =>
      whileWriting(async (fileKey) => {
        const id = grantId(grantKey);
        const record: GrantRecord | undefined = change(decodeGrant(readHalves(fileKey, id)));
        const { login, tokens }: GrantHalves =
          record === undefined ? { login: undefined, tokens: undefined } : encodeGrant(grantKey, record);
        const nowMs = clock.nowMs();
        await loginFile.update(fileKey, id, nowMs, () => login);
        await tokensFile.update(fileKey, id, nowMs, () => tokens);
        return record;
      }),
    async listGrants() {
      const fileKey = await key.current();
      if (fileKey === undefined) return [];
      const byId = new Map<string, GrantKey>();
      for (const plaintext of [...loginFile.readAll(fileKey), ...tokensFile.readAll(fileKey)]) {
        const found = keyOfHalf(plaintext);
        if (found !== undefined) byId.set(grantId(found).toString('hex'), found);
      }
      return [...byId.values()];
    },
    async withLock<T>(
      grantKey: GrantKey,
      task: () => Promise<T>,
      { timeoutMs, unless }: LockOptions<T>,
    ): Promise<T> {
      const id = grantId(grantKey).toString('hex');
      await makePrivateFolder(folder);
      const held = await lockOf(id, `profile ${grantKey.profile}`).acquire({ timeoutMs, unless });
      if (!('release' in held)) return held.instead;
      try {
        return await task();
      } finally {
        await held.release();
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      for (const notice of untold.splice(0)) listener(notice);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
