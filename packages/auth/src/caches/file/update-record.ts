import { link } from 'node:fs/promises';
import { AuthError } from '../../auth-error.js';
import type { GrantRecord } from '../../grant-record.js';
import { renameFile } from './rename-file.js';
import { asideName, replacePrivateFile } from './safe-file.js';
import type { SealedFile } from './sealed-file.js';
import { sealFile, sealRecord } from './sealing.js';
import { errnoOf, storageError } from './storage-error.js';
import { sweepTemporaries } from './temporary-file.js';

export type RecordUpdate = {
  readonly file: SealedFile;
  readonly key: Buffer;
  readonly id: Buffer;
  readonly nowMs: number;
  /** The grant whose tokens the record has, where it has such. */
  readonly grant?: GrantRecord | undefined;
  /** Throws where the lock of the file is not held any more. Asked at the last moment. */
  readonly assertHeld: () => Promise<void>;
};

/**
 * Replaces one record by `next`; `undefined` removes it. What does not open is moved aside first, and every
 * record that does is kept. But for nothing, and for a mere failure, the file of another key stays: it is that of a machine
 * that shares the folder, such as the host of a container. The caller holds the lock of the file.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when it cannot be written; then the file is as it was.
 */
export async function updateRecord(
  { file, key, id, nowMs, grant, assertHeld }: RecordUpdate,
  next: Buffer | undefined,
): Promise<void> {
  const { whole, why: damage, isOfAnotherKey = false } = file.lookAtAll(key);
  const before = whole.find(({ record }) => record.id.equals(id))?.plaintext;
  const isSame = next === undefined ? before === undefined : before?.equals(next) === true;
  if (isSame && damage === undefined) return;
  if (isOfAnotherKey && (isSame || (grant !== undefined && isFailureOnly(grant)))) return;
  if (damage !== undefined) await keepAside(file, damage, nowMs, assertHeld);
  const others = whole.map(({ record }) => record).filter((record) => !record.id.equals(id));
  const records = next === undefined ? others : [...others, sealRecord(key, id, next)];
  await replacePrivateFile(file.path, sealFile(key, records), assertHeld);
  sweepTemporaries(file.path, nowMs);
}

/** Whether a grant tells of nothing but a failure before any request, as where nobody is logged in. */
function isFailureOnly({ tokens, unexplainedRequestsAtMs, lastFailure: _, ...others }: GrantRecord): boolean {
  return tokens.size + unexplainedRequestsAtMs.length + Object.keys(others).length === 0;
}

/** Links a damaged file to a second name. It keeps its own until the next write, so that a kill in between loses nothing. */
async function keepAside(
  file: SealedFile,
  why: string,
  nowMs: number,
  assertHeld: () => Promise<void>,
): Promise<void> {
  const aside = asideName(file.path, nowMs);
  await assertHeld();
  try {
    // Where there are no hard links, a kill between here and the write leaves the records in this one only.
    await link(file.path, aside).catch(() => renameFile(file.path, aside, assertHeld));
  } catch (error) {
    // `GenerationLock.hold` handles a lost lock: it tries again.
    if (error instanceof AuthError) throw error;
    if (errnoOf(error) !== 'ENOENT') throw storageError('moved aside', file.path, error);
  }
  file.tellAside(aside, why);
}
