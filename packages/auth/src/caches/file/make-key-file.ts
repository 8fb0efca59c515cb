import { randomBytes } from 'node:crypto';
import { link, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuthError } from '../../auth-error.js';
import type { CacheNoticeListener } from '../../cache-notice.js';
import { formatKeyFile, keyringName, readKeyFile, type KeyFile, type KeyFileReading } from './key-file.js';
import type { Keyring } from './keyring.js';
import { ensurePrivateFolder } from './private-folder.js';
import type { Repair } from './read-private-file.js';
import { renameFile } from './rename-file.js';
import { asideName, replacePrivateFile, writePrivateFileBeside } from './safe-file.js';
import { errnoOf, storageError } from './storage-error.js';

const KEY_BYTES = 32;

/**
 * Makes the key file that is missing, or mends the one that is damaged. The caller holds the lock of the files.
 *
 * @param reading what was read of it.
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written.
 */
export async function makeKeyFile(
  { keyring, tell }: { readonly keyring: Keyring; readonly tell: CacheNoticeListener },
  path: string,
  reading: KeyFileReading | undefined,
  nowMs: number,
): Promise<KeyFile> {
  const onRepair: Repair = (message) => {
    tell({ kind: 'repaired', message });
  };
  if (reading?.keyFile !== undefined) {
    await replacePrivateFile(path, formatKeyFile(reading.keyFile));
    onRepair(`${path} was damaged: it is whole again`);
    return reading.keyFile;
  }
  ensurePrivateFolder(dirname(path));
  if (reading !== undefined) {
    const aside = asideName(path, nowMs);
    await setKeyFileAside(path, aside);
    tell({
      kind: 'corrupt',
      message: `${path} was damaged: it was moved to ${aside}, and what it sealed cannot be opened any more`,
    });
  }
  const installSecret = randomBytes(KEY_BYTES);
  const inKeyring = await keyring.set(keyringName(installSecret), randomBytes(KEY_BYTES));
  return createKeyFile(path, { source: inKeyring ? 'keyring' : 'file', installSecret }, onRepair);
}

/**
 * Writes the key file, unless another process was faster: then that one's is what counts.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written.
 */
async function createKeyFile(path: string, made: KeyFile, onRepair: Repair): Promise<KeyFile> {
  try {
    await writePrivateFileBeside(path, formatKeyFile(made), async (temporary) => {
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

/** Moves a key file that says nothing aside, so that a new one can be made. */
async function setKeyFileAside(path: string, aside: string): Promise<void> {
  await renameFile(path, aside).catch((error: unknown) => {
    // Another process did it already.
    if (errnoOf(error) !== 'ENOENT') throw storageError('moved aside', path, error);
  });
}
