import { hash } from 'node:crypto';
import { readAt, readPrivateFile, type Repair } from './read-private-file.js';
import { newerVersion } from './storage-error.js';

/** Where the key of the cache comes from. */
export type KeySource = 'keyring' | 'file';

/** What the key file says. */
export type KeyFile = {
  readonly source: KeySource;
  /** 32 random bytes, made once for this installation. With `keyring`, they name the keyring's entry only. */
  readonly installSecret: Buffer;
};

const SECRET_BYTES = 32;
const MAX_FILE_BYTES = 4_096;

function checkOf(line: string): string {
  return hash('sha256', line, 'hex').slice(0, 8);
}

/** The content: one line, twice, each with a check, so that one damaged byte costs nothing. */
export function formatKeyFile({ source, installSecret }: KeyFile): Buffer {
  const line = `km-key 1 ${source} ${installSecret.toString('hex')}`;
  const checked = `${line} ${checkOf(line)}\n`;
  return Buffer.from(checked + checked);
}

/** The words of a line that is whole. */
function wordsOf(text: string): readonly string[] | undefined {
  const at = text.lastIndexOf(' ');
  const line = text.slice(0, at);
  return at >= 0 && text.slice(at + 1) === checkOf(line) ? line.split(' ') : undefined;
}

function keyFileOf([magic, version, source, secret = '']: readonly string[] = []): KeyFile | undefined {
  if (magic !== 'km-key' || version !== '1' || (source !== 'file' && source !== 'keyring')) return undefined;
  const installSecret = Buffer.from(secret, 'hex');
  return installSecret.length === SECRET_BYTES ? { source, installSecret } : undefined;
}

/** What was read of it. */
export type KeyFileReading = { readonly keyFile: KeyFile | undefined; readonly bytes: Buffer };

function parse(path: string, bytes: Buffer): KeyFileReading {
  const [first, second, ...rest] = bytes.toString('latin1').split('\n');
  const words = first === undefined ? undefined : wordsOf(first);
  // Most times the two are the same.
  const copies = [words, second === first ? words : wordsOf(second ?? '')];
  const newer = [...copies, ...rest.map(wordsOf)].find(
    (copy) => copy?.[0] === 'km-key' && Number(copy[1]) > 1,
  );
  if (newer !== undefined) throw newerVersion(path, Number(newer[1]));
  return { keyFile: keyFileOf(copies[0]) ?? keyFileOf(copies[1]), bytes };
}

/** Whether nothing of it is damaged. */
export function isWholeKeyFile({ keyFile, bytes }: KeyFileReading): boolean {
  return keyFile !== undefined && bytes.equals(formatKeyFile(keyFile));
}

/** Whether both name the same key. */
export function isSameKeyFile(one: KeyFile, other: KeyFile): boolean {
  return one.source === other.source && one.installSecret.equals(other.installSecret);
}

/**
 * Reads the key file; `undefined` when there is none.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it may not be used, or a newer version wrote it.
 */
export function readKeyFile(path: string, onRepair: Repair): KeyFileReading | undefined {
  return readPrivateFile(path, onRepair, (fd, { size }) =>
    parse(path, readAt(fd, 0, Math.min(size, MAX_FILE_BYTES))),
  );
}

/** Under what name the keyring has the secret of this installation. */
export function keyringName(installSecret: Buffer): string {
  return `cache-key-${installSecret.subarray(0, 8).toString('hex')}`;
}
