import { join } from 'node:path';
import { createKeyring, type Keyring } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';

/** One a process, however often its commands open their storage: each question starts a program. */
const opened = new WeakMap<NodeJS.ProcessEnv, Keyring>();

/** The OS keyring. What was found in it is not asked for again. */
export function sharedKeyring({
  environment,
  bundleFolder,
}: Pick<CommandContext, 'environment' | 'bundleFolder'>): Keyring {
  const before = opened.get(environment);
  if (before !== undefined) return before;
  const keyring = createKeyring({ environment, childPath: join(bundleFolder, 'keyring-child.mjs') });
  const shared = remembering(keyring);
  opened.set(environment, shared);
  return shared;
}

/** A name has one secret for ever: that of another key has another name. */
export function remembering(keyring: Keyring): Keyring {
  const found = new Map<string, Buffer>();
  return {
    async get(name) {
      const secret = found.get(name) ?? (await keyring.get(name));
      if (secret !== undefined) found.set(name, secret);
      return secret;
    },
    set: (name, secret) => keyring.set(name, secret),
  };
}
