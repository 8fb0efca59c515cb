import {
  configFolder,
  createFileCache,
  createMemoryCache,
  type FileCache,
  type KeySource,
  type TokenCache,
} from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { fleetCache } from './fleet-cache.js';
import { saysYes } from './says-yes.js';
import { sharedKeyring } from './shared-keyring.js';

/** A cache that processes share: in files of this user, or in Redis. */
export type SharedCache = TokenCache &
  Pick<FileCache, 'logins' | 'lockOwner' | 'recordSealer'> & {
    /** Where the key comes from; `undefined` before there is one. */
    keySource(): KeySource | 'environment' | undefined;
    /** As `RedisCache.evictionPolicy`; files are never thrown away. */
    evictionPolicy?(): Promise<string | undefined>;
  };

/** What a command reads logins from and keeps tokens in. */
export type Storage = {
  /** Where tokens are kept. */
  readonly cache: TokenCache;
  /** The files of this user, or what a fleet has instead; `undefined` for a user without a home. */
  readonly files: SharedCache | undefined;
  /** Where this user's files are. */
  readonly folder: string | undefined;
  /** Where Redis is, for a fleet. */
  readonly address?: string;
  /** Why tokens stay in this process's memory; `undefined` when they do not. */
  readonly whyMemory: string | undefined;
};

/** The files of this user, whatever else tokens are kept in. */
function ownFiles(context: CommandContext): FileCache | undefined {
  const { environment, clock, random } = context;
  const folder = configFolder(environment);
  if (folder === undefined) return undefined;
  return createFileCache({ folder, environment, clock, random, keyring: sharedKeyring(context) });
}

/**
 * What every `km` of this user shares, or of the fleet that `KM_CACHE_URL` names. Tokens stay in this process's memory
 * with `KM_NO_TOKEN_CACHE=1`, and where the user has no home; a stored login is still read in the first case.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` where the variables of a fleet are wrong.
 */
export function openStorage(context: CommandContext): Storage {
  const { environment, clock } = context;
  const folder = configFolder(environment);
  const own = ownFiles(context);
  const fleet = fleetCache(context);
  // What waits on this machine's disk is sealed with this machine's key.
  const files =
    fleet === undefined ? own : { ...fleet, recordSealer: () => (own ?? noHome()).recordSealer() };
  const place = { files, folder, ...(fleet !== undefined && { address: fleet.address }) };
  const isOff = saysYes(environment['KM_NO_TOKEN_CACHE']);
  if (files === undefined) {
    const whyMemory = 'this user has no home folder: set KM_CONFIG_DIR to keep them';
    return { ...place, cache: createMemoryCache({ clock }), whyMemory };
  }
  return isOff
    ? { ...place, cache: createMemoryCache({ clock }), whyMemory: 'KM_NO_TOKEN_CACHE is set' }
    : { ...place, cache: files, whyMemory: undefined };
}

/** Tells on stderr what is found amiss with what is stored, for a command without a manager; returns what ends that. */
export function tellNotices(
  files: SharedCache | undefined,
  { tell }: Pick<CommandContext, 'tell'>,
): () => void {
  return files?.subscribe?.(({ message }) => tell(`km: ${message}`)) ?? (() => undefined);
}

function noHome(): never {
  throw new Error('nothing waits on the disk of a user without a home');
}
