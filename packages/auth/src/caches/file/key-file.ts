import { hash } from 'node:crypto';
import { readAt, readPrivateFile, type Repair } from './read-private-file.js';

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

function parseLine(text: string): KeyFile | undefined {
  const at = text.lastIndexOf(' ');
  const line = text.slice(0, at);
  if (at < 0 || text.slice(at + 1) !== checkOf(line)) return undefined;
  const [magic, version, source, secret = ''] = line.split(' ');
  if (magic !== 'km-key' || version !== '1' || (source !== 'file' && source !== 'keyring')) return undefined;
  const installSecret = Buffer.from(secret, 'hex');
  return installSecret.length === SECRET_BYTES ? { source, installSecret } : undefined;
}

/** What was read, and whether it is whole. */
export type KeyFileReading = { readonly keyFile: KeyFile | undefined; readonly isWhole: boolean };

function parse(bytes: Buffer): KeyFileReading {
  const lines = bytes.toString('latin1').split('\n');
  const copies = lines.slice(0, 2).map(parseLine);
  const keyFile = copies.find((copy) => copy !== undefined);
  return { keyFile, isWhole: keyFile !== undefined && bytes.equals(formatKeyFile(keyFile)) };
}

/** Reads the key file; `undefined` when there is none. */
export function readKeyFile(path: string, onRepair: Repair): KeyFileReading | undefined {
  return readPrivateFile(path, onRepair, (fd) => parse(readAt(fd, 0, MAX_FILE_BYTES)));
}

/** Under what name the keyring has the secret of this installation. */
export function keyringName(installSecret: Buffer): string {
  return `cache-key-${installSecret.subarray(0, 8).toString('hex')}`;
}
