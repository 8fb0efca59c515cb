import { closeSync, ftruncateSync, futimesSync } from 'node:fs';
import { AuthError } from '../../auth-error.js';
import type { Clock } from '../../clock.js';

/** An owner shows this often that it lives, in milliseconds. */
const HEARTBEAT_MS = 1_000;

/** A lock that is held. */
export type HeldLock = {
  /** Whether nobody has followed this owner: one that stood still may be taken for dead. */
  readonly isOurs: () => Promise<boolean>;
  /** @throws {LockLostError} when somebody has. To ask right before what must not be done twice. */
  readonly assertOurs: () => Promise<void>;
  readonly release: () => Promise<void>;
};

/** An owner stood still for so long that another took its lock over: what it was about to do is not done. */
export class LockLostError extends AuthError {
  constructor() {
    super(
      'KM_AUTH_CACHE',
      'this process stood still, and another took its lock over: nothing was written; try again',
    );
  }
}

/** Empties and closes the owner's file: then the lock is free. */
export function releaseGeneration(fd: number): void {
  try {
    ftruncateSync(fd, 0);
  } finally {
    closeSync(fd);
  }
}

/** Keeps the heart of an owner's file beating until release. */
export function holdGeneration(fd: number, clock: Clock, isHighest: () => boolean): HeldLock {
  let cancel: () => void;
  const beat = (): void => {
    const nowSeconds = clock.nowMs() / 1_000;
    try {
      // On this very file: were the lock taken from us, another's would not be touched.
      futimesSync(fd, nowSeconds, nowSeconds);
    } catch {
      // The next one may succeed.
    }
    cancel = clock.schedule(beat, HEARTBEAT_MS, false);
  };
  cancel = clock.schedule(beat, HEARTBEAT_MS, false);
  return {
    isOurs: async () => isHighest(),
    assertOurs: async () => {
      if (!isHighest()) throw new LockLostError();
    },
    release: async () => {
      cancel();
      releaseGeneration(fd);
    },
  };
}
