import { join } from 'node:path';
import type { CommandContext } from '../command-context.js';
import type { AccountFlags } from '../settings.js';
import type { Storage } from '../token-cache.js';
import type { AccountAccess } from './account-access.js';
import { AccountQueue, type AccountQueueOptions } from './account-queue.js';
import { queueLimitsFrom, segmentBytes, type QueueLimits } from './queue-limits.js';
import { SegmentKeys } from './segment-keys.js';
import { accountFolderName, queueFolder, unsettledFolderName, type QueueAccount } from './state-folder.js';

/** Where the queue is on the disk, and its key. */
export type QueuePlace = {
  /** The folder with a folder for each account. */
  readonly root: string;
  readonly keys: SegmentKeys;
  readonly limits: QueueLimits;
  /** The folder of one account. */
  readonly folderOf: (account: QueueAccount) => string;
  /** The folder of what was captured with these flags while nobody could tell whose it is. */
  readonly unsettledFolderOf: (flags: AccountFlags) => string;
};

/**
 * Where the queue is; `undefined` for a user without a home, and where `KM_QUEUE_MAX_BYTES` is 0.
 *
 * @throws {CliError} when a limit makes no sense.
 */
export function queuePlace(
  { environment }: Pick<CommandContext, 'environment'>,
  { files, folder: configFolder }: Pick<Storage, 'files' | 'folder'>,
): QueuePlace | undefined {
  const root = queueFolder(environment);
  const limits = queueLimitsFrom(environment);
  if (root === undefined || files === undefined || configFolder === undefined || limits.maxBytes === 0) {
    return undefined;
  }
  const keys = new SegmentKeys(files);
  return {
    root,
    keys,
    limits,
    folderOf: (account) => join(root, accountFolderName(account, configFolder)),
    unsettledFolderOf: (flags) => join(root, unsettledFolderName(flags, environment, configFolder)),
  };
}

/** The part of the queue that is of the account which `access` has now. */
export async function accountQueueOf(
  access: AccountAccess,
  place: QueuePlace | undefined,
  { clock, random }: Pick<CommandContext, 'clock' | 'random'>,
  hooks: Pick<AccountQueueOptions, 'onTrouble' | 'makeRoom'>,
): Promise<AccountQueue> {
  const { account } = access;
  const isAdopting = account.origin !== undefined && (await access.isAdopting());
  const undecided = isAdopting ? place?.folderOf({ ...account, origin: undefined }) : undefined;
  return new AccountQueue({
    account,
    folder: place?.folderOf(account),
    adopts: [undecided, place?.unsettledFolderOf(access.flags)].filter((part) => part !== undefined),
    // Somebody may have logged out since, and log in elsewhere.
    mayAdopt: async (folder) => folder !== undecided || access.isAdopting(),
    keys: place?.keys,
    clock,
    random,
    maxSegmentBytes: segmentBytes(place?.limits.maxBytes ?? 0),
    ...hooks,
  });
}
