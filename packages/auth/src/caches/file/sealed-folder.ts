import { join } from 'node:path';
import type { CacheNotice, CacheNoticeListener } from '../../cache-notice.js';
import { systemClock, type Clock } from '../../clock.js';
import { tellListener } from '../../tell-listener.js';
import { CacheKey } from './cache-key.js';
import { GenerationLock, WRITING_TIMEOUT_MS } from './generation-lock.js';
import type { KeySource } from './key-file.js';
import { createKeyring, type Keyring } from './keyring.js';
import { thisMachineId } from './machine-id.js';
import { ensurePrivateFolder, inspectPrivateFolder } from './private-folder.js';
import { SealedFile, type Unopened } from './sealed-file.js';
import type { RecordUpdate } from './update-record.js';
import { loadWriting } from './writing.js';

/** What `createFileCache` needs. */
export type FileCacheOptions = {
  /** Where the files are, as in `~/.config/kilometers`. Created with mode 700 where missing. */
  readonly folder: string;
  /** `XDG_RUNTIME_DIR` and `DBUS_SESSION_BUS_ADDRESS` are looked at. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. Default `Math.random`. */
  readonly random?: () => number;
  /** What tells this machine from another; throws where it cannot be told now. */
  readonly machineId?: () => string;
  /** What tells this user from another. Default: the numeric user id. */
  readonly userId?: string;
  /** Where the key is kept where it works. Default: the keyring of the system. */
  readonly keyring?: Keyring;
};

/** What a task may do while no other process writes the files. */
export type Writer = {
  readonly key: Buffer;
  /** What is stored, as {@link SealedFolder.read}. */
  readonly read: (file: SealedFile, id: Buffer) => Promise<Buffer | undefined>;
  /** Replaces a record, as `updateRecord`. @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written. */
  readonly write: (
    file: SealedFile,
    id: Buffer,
    next: Buffer | undefined,
    grant?: RecordUpdate['grant'],
  ) => Promise<void>;
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
  readonly #listeners = new Set<CacheNoticeListener>();
  /** Notices from before anybody listened. */
  readonly #untold: CacheNotice[] = [];
  readonly #repaired: (message: string) => void;
  #isInspected = false;

  constructor(options: FileCacheOptions) {
    const { folder, environment, clock = systemClock, random = Math.random } = options;
    const tell: CacheNoticeListener = (notice) => {
      if (this.#listeners.size === 0) this.#untold.push(notice);
      for (const listener of [...this.#listeners]) tellListener(listener, notice);
    };
    this.#repaired = (message) => tell({ kind: 'repaired', message });
    this.clock = clock;
    this.#folder = folder;
    this.#random = random;
    this.tokens = new SealedFile(join(folder, '.auth_cache'), (notice) => {
      tell({ ...notice, mayConcernLogin: () => false });
    });
    this.logins = new SealedFile(join(folder, '.credentials'), tell);
    this.#key = new CacheKey({
      folder,
      runtimeFolder: environment['XDG_RUNTIME_DIR'],
      keyring: options.keyring ?? createKeyring({ environment }),
      machineId: options.machineId ?? thisMachineId,
      userId: options.userId ?? String(process.getuid?.() ?? ''),
      clock,
      tell,
    });
  }

  keySource(): KeySource | undefined {
    return this.#key.source();
  }

  /** A record; `undefined` when there is none, or it does not open, which is told once. */
  async read(file: SealedFile, id: Buffer): Promise<Buffer | undefined> {
    const key = await this.#keyToRead();
    if (key === undefined) return undefined;
    const found = await this.#open(key, (opening) => {
      const seen = file.look(opening, id);
      return seen === undefined || Buffer.isBuffer(seen) ? { plaintext: seen } : seen;
    });
    if (!('why' in found)) return found.plaintext;
    file.tellCorrupt(`${file.path} does not open (${found.why}): it counts as empty`);
    return undefined;
  }

  /** The key as it is now, made where there is none. Where it cannot be had, the one that was known. */
  async ensureKey(): Promise<Buffer> {
    try {
      return (await this.#key.reread()) ?? (await this.whileWriting(({ key }) => Promise.resolve(key)));
    } catch (error) {
      const { known } = this.#key;
      if (known === undefined) throw error;
      return known;
    }
  }

  /** The plaintexts of all records of a file that open. */
  async readAll(file: SealedFile): Promise<readonly Buffer[]> {
    const key = await this.#keyToRead();
    if (key === undefined) return [];
    const { whole, why } = await this.#open(key, (opening) => file.lookAtAll(opening));
    if (why !== undefined) file.tellCorrupt(`${file.path} does not open whole (${why})`);
    return whole.map(({ plaintext }) => plaintext);
  }

  /** The key, once it is known that nobody else could put files where it is, and they are. */
  async #keyToRead(): Promise<Buffer | undefined> {
    // Once: most processes read twice and end, and each writer looks again.
    if (!this.#isInspected) inspectPrivateFolder(this.#folder, this.#repaired);
    this.#isInspected = true;
    return this.#key.current();
  }

  /** Opens with the key that is known; where that fails, with the one that may have replaced it meanwhile. */
  async #open<T extends object>(key: Buffer, look: (key: Buffer) => T | (T & Unopened)): Promise<T> {
    const found = look(key);
    if (!('why' in found)) return found;
    const newer = await this.#key.reread();
    return newer === undefined || newer.equals(key) ? found : look(newer);
  }

  lockOf(name: string, what: string): GenerationLock {
    const folder = join(this.#folder, '.locks', name);
    return new GenerationLock({ folder, clock: this.clock, random: this.#random, what });
  }

  /** Makes the folder where it is missing. */
  prepare(): void {
    ensurePrivateFolder(this.#folder, this.#repaired);
  }

  /** `look`, but only when the files are not the same as when it last looked. */
  afterChange<T>(look: () => Promise<T | undefined>): () => Promise<T | undefined> {
    let seen: string | undefined;
    return async () => {
      const now = `${this.logins.state()} ${this.tokens.state()}`;
      if (now === seen) return undefined;
      seen = now;
      return look();
    };
  }

  /** Runs `task` while no other process writes the files. */
  async whileWriting<T>(task: (writer: Writer) => Promise<T>): Promise<T> {
    const { updateRecord } = await loadWriting();
    this.prepare();
    return this.lockOf('files', 'the token cache').hold(WRITING_TIMEOUT_MS, async ({ assertOurs }) => {
      const nowMs = this.clock.nowMs();
      const key = await this.#key.ensure(nowMs);
      return task({
        key,
        read: (file, id) => this.read(file, id),
        write: (file, id, next, grant) =>
          updateRecord({ file, key, id, nowMs, grant, assertHeld: assertOurs }, next),
      });
    });
  }

  subscribe(listener: CacheNoticeListener): () => void {
    this.#listeners.add(listener);
    for (const notice of this.#untold.splice(0)) tellListener(listener, notice);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
