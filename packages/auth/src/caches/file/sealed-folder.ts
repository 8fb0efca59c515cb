import { join } from 'node:path';
import type { CacheNotice, CacheNoticeListener } from '../../cache-notice.js';
import { systemClock, type Clock } from '../../clock.js';
import { CacheKey } from './cache-key.js';
import { GenerationLock } from './generation-lock.js';
import type { KeySource } from './key-file.js';
import { createKeyring, type Keyring } from './keyring.js';
import { machineId } from './machine-id.js';
import { makePrivateFolder } from './safe-file.js';
import { SealedFile } from './sealed-file.js';

/** Writing takes milliseconds; a writer that takes longer than this, in milliseconds, is in trouble. */
const FILES_LOCK_TIMEOUT_MS = 30_000;

export type SealedFolderOptions = {
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

/** The user's sealed files, their key and their locks. */
export class SealedFolder {
  /** `.auth_cache`: tokens. It can be removed at any moment. */
  readonly tokens: SealedFile;
  /** `.credentials`: what can mint tokens. */
  readonly logins: SealedFile;
  readonly clock: Clock;
  readonly #folder: string;
  readonly #random: () => number;
  readonly #key: CacheKey;
  readonly #filesLock: GenerationLock;
  readonly #listeners = new Set<CacheNoticeListener>();
  /** Notices from before anybody listened. */
  readonly #untold: CacheNotice[] = [];

  constructor(options: SealedFolderOptions) {
    const { folder, environment, clock = systemClock, random = Math.random } = options;
    const tell: CacheNoticeListener = (notice) => {
      if (this.#listeners.size === 0) this.#untold.push(notice);
      for (const listener of this.#listeners) listener(notice);
    };
    this.clock = clock;
    this.#folder = folder;
    this.#random = random;
    this.tokens = new SealedFile(join(folder, '.auth_cache'), tell);
    this.logins = new SealedFile(join(folder, '.credentials'), tell);
    this.#key = new CacheKey({
      folder,
      runtimeFolder: environment['XDG_RUNTIME_DIR'],
      keyring: options.keyring ?? createKeyring({ environment }),
      machineId: options.machineId ?? machineId,
      userId: options.userId ?? String(process.getuid?.() ?? ''),
      tell,
    });
    this.#filesLock = this.lockOf('files', 'the token cache');
  }

  keySource(): KeySource | undefined {
    return this.#key.source();
  }

  /** The key for reading; `undefined` before anything was written. */
  key(): Promise<Buffer | undefined> {
    return this.#key.current();
  }

  /** The key as it is now, made where there is none. Where nothing can be written, the one that was known. */
  async ensureKey(): Promise<Buffer> {
    try {
      return await this.whileWriting((key) => Promise.resolve(key));
    } catch (error) {
      const known = await this.#key.current();
      if (known === undefined) throw error;
      return known;
    }
  }

  lockOf(name: string, what: string): GenerationLock {
    const folder = join(this.#folder, '.locks', name);
    return new GenerationLock({ folder, clock: this.clock, random: this.#random, what });
  }

  /** Makes the folder where it is missing. */
  prepare(): Promise<void> {
    return makePrivateFolder(this.#folder);
  }

  /** Runs `task` while no other process writes the files. */
  async whileWriting<T>(task: (key: Buffer, nowMs: number) => Promise<T>): Promise<T> {
    await this.prepare();
    const held = await this.#filesLock.acquire({ timeoutMs: FILES_LOCK_TIMEOUT_MS });
    if (!('release' in held)) throw new Error('unreachable: nothing ends this wait but the lock');
    try {
      const nowMs = this.clock.nowMs();
      return await task(await this.#key.ensure(nowMs), nowMs);
    } finally {
      await held.release();
    }
  }

  subscribe(listener: CacheNoticeListener): () => void {
    this.#listeners.add(listener);
    for (const notice of this.#untold.splice(0)) listener(notice);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
