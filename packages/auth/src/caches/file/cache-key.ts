import { hash } from 'node:crypto';
import { join } from 'node:path';
import { AuthError } from '../../auth-error.js';
import type { CacheNoticeListener } from '../../cache-notice.js';
import type { Clock } from '../../clock.js';
import {
  isSameKeyFile,
  isWholeKeyFile,
  keyringName,
  readKeyFile,
  type KeyFile,
  type KeySource,
} from './key-file.js';
import type { Keyring } from './keyring.js';
import { SessionCopy } from './session-copy.js';
import { loadWriting } from './writing.js';

const KEY_BYTES = 32;
/** After a search that found nothing the keyring is left alone for so long: one that stalls takes seconds each time. */
const SEARCH_PAUSE_MS = 30_000;

export type CacheKeyOptions = {
  /** The folder with the key file. */
  readonly folder: string;
  /** A folder in memory that only this user can enter and that ends with the session, where there is one. */
  readonly runtimeFolder: string | undefined;
  readonly keyring: Keyring;
  /** Throws where it cannot be told now. */
  readonly machineId: () => string;
  readonly userId: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly tell: CacheNoticeListener;
};

/**
 * The key of the sealed files, with its life: made once, in the OS keyring where one works and otherwise
 * from a secret in a file; the choice is remembered in the key file. A keyring's key is kept in the
 * session's memory folder, so that the keyring is asked once a session.
 */
export class CacheKey {
  readonly #options: CacheKeyOptions;
  readonly #path: string;
  readonly #copy: SessionCopy;
  /** It stays the same, and to find it out may take a program. */
  #machineId: string | undefined;
  #known: { readonly key: Buffer; readonly keyFile: KeyFile } | undefined;
  /** The last search of the keyring that found nothing. */
  #failed: { readonly name: string; readonly atMs: number } | undefined;

  constructor(options: CacheKeyOptions) {
    this.#options = options;
    this.#path = join(options.folder, '.cache_key');
    this.#copy = new SessionCopy(options.runtimeFolder);
  }

  /** The key that was opened last, if one was. Reads nothing. */
  get known(): Buffer | undefined {
    return this.#known?.key;
  }

  /** Where the key comes from; `undefined` before there is one. */
  source(): KeySource | undefined {
    return this.#known?.keyFile.source ?? readKeyFile(this.#path, this.#repaired)?.keyFile?.source;
  }

  /**
   * The key, or `undefined` when none was made yet.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the keyring that has it is locked, gone or cannot be asked, or the machine cannot be told.
   */
  async current(): Promise<Buffer | undefined> {
    return this.#known?.key ?? this.reread();
  }

  /** As `current`, from the key file: it may have been replaced since it was read. */
  async reread(): Promise<Buffer | undefined> {
    const keyFile = readKeyFile(this.#path, this.#repaired)?.keyFile;
    return keyFile === undefined ? undefined : this.#open(keyFile);
  }

  /**
   * The key, made if need be. The caller holds the lock of the files.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be read or written.
   */
  async ensure(nowMs: number): Promise<Buffer> {
    // Read again each time: a key file that was removed or replaced counts from the next write on.
    const reading = readKeyFile(this.#path, this.#repaired);
    // What is to be written may be had only once: the keyring is asked, whatever it had a moment ago.
    this.#failed = undefined;
    if (reading?.keyFile !== undefined && isWholeKeyFile(reading)) return this.#open(reading.keyFile);
    const { makeKeyFile } = await loadWriting();
    return this.#open(await makeKeyFile(this.#options, this.#path, reading, nowMs));
  }

  readonly #repaired = (message: string): void => {
    this.#options.tell({ kind: 'repaired', message });
  };

  async #open(keyFile: KeyFile): Promise<Buffer> {
    // A keyring that was locked since, or a session that ended, takes no key from who has it.
    if (this.#known !== undefined && isSameKeyFile(this.#known.keyFile, keyFile)) return this.#known.key;
    const { source, installSecret } = keyFile;
    const { machineId, userId } = this.#options;
    const secret = source === 'file' ? installSecret : await this.#fromKeyring(installSecret);
    const info = `kilometers token cache 1, user ${userId}`;
    this.#machineId ??= machineId();
    const key = deriveKey(secret, this.#machineId, info);
    this.#known = { key, keyFile };
    return key;
  }

  async #fromKeyring(installSecret: Buffer): Promise<Buffer> {
    const name = keyringName(installSecret);
    const kept = this.#copy.read(name, KEY_BYTES, this.#repaired);
    if (kept !== undefined) return kept;
    const secret = await this.#search(name);
    if (secret === undefined) {
      throw new AuthError(
        'KM_AUTH_CACHE',
        `the key of the token cache is in the OS keyring, which is locked, gone or does not answer: unlock it and try again; or, to begin anew without it, remove ${this.#path} and log in again`,
      );
    }
    await this.#copy.keep(name, secret);
    return secret;
  }

  /** What the keyring has; nothing where it had nothing a moment ago. */
  async #search(name: string): Promise<Buffer | undefined> {
    const { keyring, clock } = this.#options;
    const { name: missed, atMs } = this.#failed ?? {};
    if (name === missed && atMs !== undefined && clock.monotonicMs() - atMs < SEARCH_PAUSE_MS)
      return undefined;
    const secret = await keyring.get(name);
    this.#failed = secret === undefined ? { name, atMs: clock.monotonicMs() } : undefined;
    return secret;
  }
}

/**
 * HKDF-SHA-256 to 32 bytes: one block, so two HMACs. Node's own `hkdf` takes half a millisecond longer the
 * first time, and most processes derive one key.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5869#section-2 | RFC 5869 §2}
 */
export function deriveKey(secret: Buffer, salt: string, info: string): Buffer {
  const extracted = hmacSha256(Buffer.from(salt), secret);
  return hmacSha256(extracted, Buffer.concat([Buffer.from(info), Uint8Array.of(1)]));
}

const SHA256_BLOCK_BYTES = 64;

/**
 * By the digest that a process has used before it needs this: what Node has for an HMAC takes a third of a
 * millisecond more the first time.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2104#section-2 | RFC 2104 §2}
 */
function hmacSha256(key: Buffer, message: Buffer): Buffer {
  const block = key.length > SHA256_BLOCK_BYTES ? hash('sha256', key, 'buffer') : key;
  const padded = (fill: number): Buffer => {
    const bytes = Buffer.alloc(SHA256_BLOCK_BYTES, fill);
    for (let at = 0; at < block.length; at += 1) bytes[at] = fill ^ (block[at] ?? 0);
    return bytes;
  };
  const inner = hash('sha256', Buffer.concat([padded(0x36), message]), 'buffer');
  return hash('sha256', Buffer.concat([padded(0x5c), inner]), 'buffer');
}
