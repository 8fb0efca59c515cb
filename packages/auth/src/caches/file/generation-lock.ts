import { closeSync } from 'node:fs';
import { AuthError } from '../../auth-error.js';
import { sleep, type Clock } from '../../clock.js';
import {
  generationsIn,
  headOf,
  isNextGeneration,
  isUntouched,
  linkGeneration,
  unlinkGeneration,
  type Head,
} from './generation-files.js';
import { holdGeneration, LockLostError, releaseGeneration, type HeldLock } from './held-generation.js';
import { ensurePrivateFolder } from './private-folder.js';
import { describeProcess, livenessOf, type ProcessIdentity } from './process-identity.js';
import { errnoOf, storageError } from './storage-error.js';

/*
 * A lock that any number of processes share through a folder.
 *
 * Each time it changes hands it gets a new generation: a file named by a number, linked into the folder
 * whole, so that of two who want the same generation exactly one succeeds. The owner is the generation
 * with the highest number. It is released by making it empty; it is never removed while it is the highest.
 * So whoever finds the highest generation empty, or its owner dead, may link the next one; and who then
 * still finds itself the highest owns the lock. docs/security.md has the proof.
 */

/**
 * How long the lock of what is only written is waited for, in milliseconds: that takes milliseconds, and a writer that
 * takes longer than this is in trouble.
 */
export const WRITING_TIMEOUT_MS = 30_000;
/** Where nothing else tells: an owner whose heartbeat stood still for this long, in milliseconds, is dead. */
const HEARTBEAT_STALE_MS = 4_000;
/** The most that one poll counts of it: a waiter that was stopped itself saw nothing meanwhile. */
const LONGEST_SIGHT_MS = 500;
const SHORTEST_POLL_MS = 4;
const LONGEST_POLL_MS = 40;
/** A poll is one look at the owner's file. That it lives is looked at again after this, in milliseconds. */
const LIVENESS_MS = 100;

export type GenerationLockOptions = {
  /** The lock's own folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** What the lock protects, for the error. */
  readonly what: string;
  /** An owner that lives but was watched without a heartbeat for so many milliseconds is followed. Default: never. */
  readonly stalledAfterMs?: number;
};

export type AcquireOptions<T> = {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Asked again and again while waiting: what it brings ends the wait without the lock. */
  readonly unless?: (() => Promise<T | undefined>) | undefined;
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal | undefined;
};

/** How often work is done again that lost its lock on the way. */
const MOST_LOSSES = 3;

/** A lock that processes share through a folder; see above. */
export class GenerationLock {
  readonly #options: GenerationLockOptions;
  /** The beat that was seen last, and for how long it was watched standing still. */
  #seen = { beat: '', atMs: 0, unchangedMs: 0 };

  constructor(options: GenerationLockOptions) {
    this.#options = options;
  }

  /**
   * Waits for the lock, or for what `unless` brings.
   *
   * @throws {AuthError} `KM_AUTH_LOCK_TIMEOUT`, naming the owner; `KM_AUTH_CACHE` when the folder cannot be written.
   */
  async acquire(options: Omit<AcquireOptions<never>, 'unless'>): Promise<HeldLock>;
  async acquire<T>(options: AcquireOptions<T>): Promise<HeldLock | { readonly instead: T }>;
  async acquire<T>({
    timeoutMs,
    unless,
    signal,
  }: AcquireOptions<T>): Promise<HeldLock | { readonly instead: T }> {
    const { clock, random, folder } = this.#options;
    const startedAtMs = clock.monotonicMs();
    let known: { readonly head: Head; readonly owner: ProcessIdentity; readonly untilMs: number } | undefined;
    for (let polls = 0; ; polls += 1) {
      const nowMs = clock.monotonicMs();
      if (known !== undefined && (nowMs >= known.untilMs || !isUntouched(folder, known.head)))
        known = undefined;
      const head = known?.head ?? headOf(folder);
      // First, also when the lock is free by now: many may wait for the same thing.
      const instead = polls > 0 ? await unless?.() : undefined;
      if (instead !== undefined) return { instead };
      if (known === undefined) {
        const unchangedMs = this.#watch(head?.beat ?? '', nowMs);
        if (head?.owner === undefined || !this.#isAlive(head.owner, unchangedMs)) {
          const held = this.#take((head?.generation ?? 0) + 1);
          if (held !== undefined) return held;
          continue;
        }
        known = { head, owner: head.owner, untilMs: nowMs + LIVENESS_MS };
      }
      if (nowMs - startedAtMs >= timeoutMs) throw this.#timeoutError(known.owner, timeoutMs, folder);
      signal?.throwIfAborted();
      const pollMs = Math.min(LONGEST_POLL_MS, SHORTEST_POLL_MS * 2 ** Math.min(polls, 8)) * (0.5 + random());
      await sleep(clock, pollMs);
    }
  }

  /**
   * Waits for the lock and runs `task` under it; again when it says that the lock was lost on the way.
   *
   * @throws {AuthError} as {@link GenerationLock.acquire}, and what `task` throws.
   */
  async hold<T>(timeoutMs: number, task: (held: HeldLock) => Promise<T>): Promise<T> {
    for (let losses = 1; ; losses += 1) {
      const held = await this.acquire({ timeoutMs });
      try {
        return await task(held);
      } catch (error) {
        if (!(error instanceof LockLostError) || losses === MOST_LOSSES) throw error;
      } finally {
        await held.release();
      }
    }
  }

  /** Who holds the lock now, in words; `undefined` when nobody does. */
  owner(): string | undefined {
    const owner = headOf(this.#options.folder)?.owner;
    return owner === undefined || livenessOf(owner) === 'dead' ? undefined : describeProcess(owner);
  }

  /** For how long `beat` was watched standing still, by now. */
  #watch(beat: string, nowMs: number): number {
    const { beat: before, atMs, unchangedMs } = this.#seen;
    const watchedMs = beat === before ? unchangedMs + Math.min(nowMs - atMs, LONGEST_SIGHT_MS) : 0;
    this.#seen = { beat, atMs: nowMs, unchangedMs: watchedMs };
    return watchedMs;
  }

  #isAlive(owner: ProcessIdentity, beatUnchangedForMs: number): boolean {
    const liveness = livenessOf(owner);
    if (liveness === 'unknown') return beatUnchangedForMs < HEARTBEAT_STALE_MS;
    return liveness === 'alive' && beatUnchangedForMs < (this.#options.stalledAfterMs ?? Infinity);
  }

  /** Links the generation; `undefined` when another was faster. */
  #take(generation: number): HeldLock | undefined {
    const { folder, clock } = this.#options;
    let fd: number | undefined;
    try {
      fd = linkGeneration(folder, generation);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw storageError('written', folder, error);
      ensurePrivateFolder(folder);
    }
    if (fd === undefined) return undefined;
    try {
      if (isNextGeneration(folder, generation, clock.nowMs())) return this.#held(fd, generation);
      // What was found free or dead has long been followed by others.
      unlinkGeneration(folder, generation);
    } catch (error) {
      releaseGeneration(fd);
      throw error;
    }
    closeSync(fd);
    return undefined;
  }

  #held(fd: number, generation: number): HeldLock {
    const { folder, clock } = this.#options;
    return holdGeneration(fd, clock, () => Math.max(...generationsIn(folder)) === generation);
  }

  #timeoutError(owner: ProcessIdentity, timeoutMs: number, folder: string): AuthError {
    return new AuthError(
      'KM_AUTH_LOCK_TIMEOUT',
      `${describeProcess(owner)} has held the lock of ${this.#options.what} for more than ${String(Math.round(timeoutMs / 1000))} s ` +
        `(${folder}); try again later, or end that process`,
    );
  }
}
