import { isAuthError } from '../../auth-error.js';
import { systemClock, type Clock } from '../../clock.js';
import { GenerationLock } from './generation-lock.js';

/** What {@link createProcessLock} needs. */
export type ProcessLockOptions = {
  /** The lock's own folder. Created with mode 700 where missing. */
  readonly folder: string;
  /** What the lock protects, for the error. */
  readonly what: string;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /**
   * An owner that lives but shows no heartbeat for this long is followed all the same, in milliseconds of watching; only
   * for work that two may do at once. Default: never.
   */
  readonly stalledAfterMs?: number;
};

/** A lock that is held. */
export type HeldProcessLock = {
  /** Whether nobody has followed this owner, as can be with `stalledAfterMs`. */
  readonly isOurs: () => Promise<boolean>;
  /** Lets it go. */
  readonly release: () => Promise<void>;
};

/** A lock that processes share through a folder. It is free as soon as its owner is gone, by whatever signal. */
export type ProcessLock = {
  /**
   * Takes the lock if it is free.
   *
   * @throws {AuthError} `KM_AUTH_CACHE` when the folder cannot be written.
   */
  readonly tryAcquire: () => Promise<HeldProcessLock | undefined>;
  /** Who holds it now, in words; `undefined` when nobody does. */
  readonly owner: () => Promise<string | undefined>;
};

/** The lock of the cache's own files, for other work of the same processes. */
export function createProcessLock({ clock = systemClock, ...options }: ProcessLockOptions): ProcessLock {
  const lock = new GenerationLock({ ...options, clock });
  return {
    async tryAcquire() {
      try {
        return await lock.acquire({ timeoutMs: 0 });
      } catch (error) {
        if (isAuthError(error, 'KM_AUTH_LOCK_TIMEOUT')) return undefined;
        throw error;
      }
    },
    owner: async () => lock.owner(),
  };
}
