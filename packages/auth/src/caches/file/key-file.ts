import { createHash } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { AuthError } from '../../auth-error.js';
import {
  errnoOf,
  readAt,
  readPrivateFile,
  replacePrivateFile,
  storageError,
  writePrivateFileBeside,
  type Repair,
} from './safe-file.js';

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
  return createHash('sha256').update(line).digest('hex').slice(0, 8);
}

/** The content: one line, twice, each with a check, so that one damaged byte costs nothing. */
function format({ source, installSecret }: KeyFile): Buffer {
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
type Reading = { readonly keyFile: KeyFile | undefined; readonly isWhole: boolean };

function parse(bytes: Buffer): Reading {
  const lines = bytes.toString('latin1').split('\n');
  const copies = lines.slice(0, 2).map(parseLine);
  const keyFile = copies.find((copy) => copy !== undefined);
  return { keyFile, isWhole: keyFile !== undefined && bytes.equals(format(keyFile)) };
}

/** Reads the key file; `undefined` when there is none. */
export function readKeyFile(path: string, onRepair: Repair): Reading | undefined {
  return readPrivateFile(path, onRepair, (fd) => parse(readAt(fd, 0, MAX_FILE_BYTES)));
}

/**
 * Writes the key file, unless another process was faster: then that one's is what counts.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written.
 */
export async function createKeyFile(path: string, made: KeyFile, onRepair: Repair): Promise<KeyFile> {
  try {
    await writePrivateFileBeside(path, format(made), true, async (temporary) => {
      await link(temporary, path);
      await unlink(temporary);
    });
    return made;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST')
      throw error instanceof AuthError ? error : storageError('written', path, error);
  }
  const keyFile = readKeyFile(path, onRepair)?.keyFile;
  if (keyFile === undefined)
    throw new AuthError('KM_AUTH_CACHE', `${path} was damaged while it was made; try again`);
  return keyFile;
}

/** Writes both copies anew, from the one that is whole. */
export function repairKeyFile(path: string, keyFile: KeyFile): Promise<void> {
  return replacePrivateFile(path, format(keyFile));
}

/** Moves a key file that says nothing aside, so that a new one can be made. */
export async function setKeyFileAside(path: string, aside: string): Promise<void> {
  await rename(path, aside).catch((error: unknown) => {
    // Another process did it already.
    if (errnoOf(error) !== 'ENOENT') throw storageError('moved aside', path, error);
  });
}
