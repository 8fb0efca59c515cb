import { join } from 'node:path';
import { systemClock, type Clock } from '../../clock.js';
import { GenerationLock, WRITING_TIMEOUT_MS } from './generation-lock.js';
import { ensurePrivateFolder } from './private-folder.js';
import { sweepTemporaries } from './temporary-file.js';
import { loadWriting } from './writing.js';

/** Which file {@link replaceUnderLock} replaces, and under which lock. */
export type ReplaceUnderLockOptions = {
  /** The file. */
  readonly path: string;
  /** The folder with the lock, as in `~/.config/kilometers`. Created with mode 700 where missing. */
  readonly folder: string;
  /** What the lock is called: letters and dashes. */
  readonly name: string;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Is told that the folder let others in, and does not any more. */
  readonly onRepair?: (message: string) => void;
};

/**
 * Replaces a small file of this user by what `next` gives, while no other process does: as one step, mode 600, on
 * the disk when it resolves. `next` reads what is there; where it gives `undefined` the file stays as it is.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when the file cannot be written, `KM_AUTH_LOCK_TIMEOUT` when another process
 *   writes it for more than 30 s; then it is as it was. What `next` throws is passed on.
 */
export async function replaceUnderLock(
  { path, folder, name, clock = systemClock, random, onRepair }: ReplaceUnderLockOptions,
  next: () => string | undefined,
): Promise<void> {
  const { replacePrivateFile } = await loadWriting();
  ensurePrivateFolder(folder, onRepair);
  const lock = new GenerationLock({ folder: join(folder, '.locks', name), clock, random, what: path });
  await lock.hold(WRITING_TIMEOUT_MS, async ({ assertOurs }) => {
    const text = next();
    if (text === undefined) return;
    await replacePrivateFile(path, Buffer.from(text), assertOurs);
    sweepTemporaries(path, clock.nowMs());
  });
}
