import { join } from 'node:path';
import {
  configFolder,
  createFileCache,
  createKeyring,
  createMemoryCache,
  type TokenCache,
} from '@kilometers/auth';
import type { CommandContext } from './command-context.js';

/**
 * The cache that every `km` of this user shares; this process's memory with `KM_NO_TOKEN_CACHE=1`, and
 * where the user has no home.
 */
export function openTokenCache({
  environment,
  clock,
  random,
  tell,
  bundleFolder,
}: CommandContext): TokenCache {
  const off = environment['KM_NO_TOKEN_CACHE'] ?? '';
  if (off !== '' && off !== '0' && off !== 'false') return createMemoryCache({ clock });
  const folder = configFolder(environment);
  if (folder === undefined) {
    tell('km: this user has no home folder, so tokens stay in memory: set KM_CONFIG_DIR to keep them');
    return createMemoryCache({ clock });
  }
  const keyring = createKeyring({ environment, childPath: join(bundleFolder, 'keyring-child.mjs') });
  return createFileCache({ folder, environment, clock, random, keyring });
}
