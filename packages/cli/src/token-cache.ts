import { join } from 'node:path';
import {
  configFolder,
  createFileCache,
  createKeyring,
  createMemoryCache,
  type FileCache,
  type TokenCache,
} from '@kilometers/auth';
import type { CommandContext } from './command-context.js';

/** What a command reads logins from and keeps tokens in. */
export type Storage = {
  /** Where tokens are kept. */
  readonly cache: TokenCache;
  /** The files of this user; `undefined` for a user without a home. */
  readonly files: FileCache | undefined;
  /** Where these files are. */
  readonly folder: string | undefined;
  /** Why tokens stay in this process's memory; `undefined` when they do not. */
  readonly whyMemory: string | undefined;
};

/**
 * The files that every `km` of this user shares. Tokens stay in this process's memory with
 * `KM_NO_TOKEN_CACHE=1`, and where the user has no home; a stored login is still read in the first case.
 */
export function openStorage({ environment, clock, random, bundleFolder }: CommandContext): Storage {
  const folder = configFolder(environment);
  const files =
    folder === undefined
      ? undefined
      : createFileCache({
          folder,
          environment,
          clock,
          random,
          keyring: createKeyring({ environment, childPath: join(bundleFolder, 'keyring-child.mjs') }),
        });
  const off = environment['KM_NO_TOKEN_CACHE'] ?? '';
  const isOff = off !== '' && off !== '0' && off !== 'false';
  if (files === undefined) {
    const whyMemory = 'this user has no home folder: set KM_CONFIG_DIR to keep them';
    return { cache: createMemoryCache({ clock }), files, folder, whyMemory };
  }
  return isOff
    ? { cache: createMemoryCache({ clock }), files, folder, whyMemory: 'KM_NO_TOKEN_CACHE is set' }
    : { cache: files, files, folder, whyMemory: undefined };
}
