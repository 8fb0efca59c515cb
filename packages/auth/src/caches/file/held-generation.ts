import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../clock.js';

/** An owner shows this often that it lives, in milliseconds. */
const HEARTBEAT_MS = 1_000;

/** A lock that is held. */
export type HeldLock = { readonly release: () => Promise<void> };

/** Empties and closes the owner's file: then the lock is free. */
export async function releaseGeneration(file: FileHandle): Promise<void> {
  try {
    await file.truncate(0);
  } finally {
    await file.close();
  }
}

/** Keeps the heart of an owner's file beating until release. */
export function holdGeneration(file: FileHandle, clock: Clock): HeldLock {
  let cancel: () => void;
  let isReleased = false;
  const beat = (): void => {
    const now = new Date(clock.nowMs());
    // On this very file: were the lock taken from us, another's would not be touched.
    if (!isReleased) file.utimes(now, now).catch(() => undefined);
    cancel = clock.schedule(beat, HEARTBEAT_MS, false);
  };
  cancel = clock.schedule(beat, HEARTBEAT_MS, false);
  return {
    release: () => {
      isReleased = true;
      cancel();
      return releaseGeneration(file);
    },
  };
}
