import { rename } from 'node:fs/promises';
import { sleep, systemClock, type Clock } from '../../clock.js';
import { errnoOf } from './storage-error.js';

/** What Windows says while another process has one of the two files open: a reader, a virus scanner. */
const IN_USE: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EBUSY']);
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 160;
/** Who has a file open for longer, in milliseconds, is not waited for: others wait for the lock meanwhile. */
const PATIENCE_MS = 10_000;

/** How a file is renamed; tests bring their own. */
export type RenameSystem = {
  readonly platform: NodeJS.Platform;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly clock: Clock;
};

const thisSystem: RenameSystem = { platform: process.platform, rename, clock: systemClock };

/**
 * Renames a file, over the one that is there. On Windows it is tried again, for up to 10 s, while another process has one
 * of the two open; elsewhere that is in nobody's way. Written after the documentation and tested by injection; it is not
 * run on Windows here.
 *
 * @param assertAllowed asked right before each try: it throws where the file must not be renamed any more.
 * @throws the error of the file system, or of `assertAllowed`; then nothing is renamed.
 */
export async function renameFile(
  from: string,
  to: string,
  assertAllowed?: () => Promise<void>,
  { platform, rename: attempt, clock }: RenameSystem = thisSystem,
): Promise<void> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    await assertAllowed?.();
    try {
      await attempt(from, to);
      return;
    } catch (error) {
      const mayPass = platform === 'win32' && IN_USE.has(errnoOf(error));
      if (!mayPass || clock.monotonicMs() >= untilMs) throw error;
    }
    await sleep(clock, waitMs);
  }
}
