import { constants } from 'node:fs';
import { link, open, readdir, readFile, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthError } from '../../auth-error.js';
import type { Clock } from '../../clock.js';
import { holdGeneration, releaseGeneration, type HeldLock } from './held-generation.js';
import {
  describeProcess,
  livenessOf,
  ownIdentity,
  parseIdentity,
  type ProcessIdentity,
} from './process-identity.js';
import { makePrivateFolder, sweepTemporaries, writePrivateFileBeside } from './safe-file.js';
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

const GENERATION = /^\d{10,15}$/;
/** Where nothing else tells: an owner whose heartbeat stood still for this long, in milliseconds, is dead. */
const HEARTBEAT_STALE_MS = 4_000;
/** The most that one poll counts of it: a waiter that was stopped itself saw nothing meanwhile. */
const LONGEST_SIGHT_MS = 500;
const SHORTEST_POLL_MS = 4;
const LONGEST_POLL_MS = 40;

/** The highest generation, as found. */
type Head = {
  readonly generation: number;
  readonly owner: ProcessIdentity | undefined;
  /** Changes with every heartbeat. */
  readonly beat: string;
};

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
};

/** A lock that is held, and whether it still is: `stalledAfterMs` lets another follow a living owner. */
export type HeldGeneration = HeldLock & { readonly isOurs: () => Promise<boolean> };

function nameOf(generation: number): string {
  return String(generation).padStart(10, '0');
}

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
  async acquire<T>({
    timeoutMs,
    unless,
  }: AcquireOptions<T>): Promise<HeldGeneration | { readonly instead: T }> {
    const { clock, random, folder } = this.#options;
    const startedAtMs = clock.monotonicMs();
    for (let polls = 0; ; polls += 1) {
      const head = await this.#head();
      const nowMs = clock.monotonicMs();
      const unchangedMs = this.#watch(head?.beat ?? '', nowMs);
      if (head?.owner === undefined || !this.#isAlive(head.owner, unchangedMs)) {
        const held = await this.#take((head?.generation ?? 0) + 1);
        if (held !== undefined) return held;
        continue;
      }
      if (polls > 0) {
        const instead = await unless?.();
        if (instead !== undefined) return { instead };
      }
      if (nowMs - startedAtMs >= timeoutMs) throw this.#timeoutError(head.owner, timeoutMs, folder);
      const pollMs = Math.min(LONGEST_POLL_MS, SHORTEST_POLL_MS * 2 ** Math.min(polls, 8)) * (0.5 + random());
      await new Promise<void>((resolve) => {
        clock.schedule(resolve, pollMs, true);
      });
    }
  }

  /** Who holds the lock now, in words; `undefined` when nobody does. */
  async owner(): Promise<string | undefined> {
    const owner = (await this.#head())?.owner;
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
  async #take(generation: number): Promise<HeldGeneration | undefined> {
    const { folder } = this.#options;
    const path = join(folder, nameOf(generation));
    let file: FileHandle;
    try {
      file = await this.#linkOwn(path);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return undefined;
      if (code !== 'ENOENT') throw storageError('written', folder, error);
      await makePrivateFolder(folder);
      return undefined;
    }
    try {
      if (await this.#isNext(generation)) {
        const isOurs = async (): Promise<boolean> => Math.max(...(await this.#generations())) === generation;
        return { ...holdGeneration(file, this.#options.clock), isOurs };
      }
      // What was found free or dead has long been followed by others.
      await unlink(path).catch(() => undefined);
    } catch (error) {
      await releaseGeneration(file);
      throw error;
    }
    await file.close();
    return undefined;
  }

  /** Links this process's identity, and returns the file, open: whatever fails from now on, it can be emptied. */
  async #linkOwn(path: string): Promise<FileHandle> {
    const identity = Buffer.from(JSON.stringify(ownIdentity()));
    const linked: { file?: FileHandle } = {};
    await writePrivateFileBeside(join(this.#options.folder, 'owner'), identity, false, async (temporary) => {
      const file = await open(temporary, constants.O_RDWR);
      try {
        await link(temporary, path);
      } catch (error) {
        await file.close();
        throw error;
      }
      linked.file = file;
      await unlink(temporary).catch(() => undefined);
    });
    if (linked.file === undefined) throw new Error('unreachable: it was linked');
    return linked.file;
  }

  /** Whether `generation`, just linked, is the highest, and the one before is there. Then those before are removed. */
  async #isNext(generation: number): Promise<boolean> {
    const { folder, clock } = this.#options;
    const generations = await this.#generations();
    const isAfterOther = generation === 1 || generations.includes(generation - 1);
    if (!isAfterOther || generations.some((other) => other > generation)) return false;
    await Promise.all(
      generations
        .filter((other) => other < generation)
        .map((other) => unlink(join(folder, nameOf(other))).catch(() => undefined)),
    );
    await sweepTemporaries(join(folder, 'owner'), clock.nowMs());
    return true;
  }

  async #generations(): Promise<readonly number[]> {
    try {
      return (await readdir(this.#options.folder)).filter((name) => GENERATION.test(name)).map(Number);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw storageError('read', this.#options.folder, error);
    }
  }

  async #head(): Promise<Head | undefined> {
    const generations = await this.#generations();
    if (generations.length === 0) return undefined;
    const generation = Math.max(...generations);
    const path = join(this.#options.folder, nameOf(generation));
    try {
      const [text, stats] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      return {
        generation,
        owner: text === '' ? undefined : parseOwner(text),
        beat: `${String(generation)}:${String(stats.mtimeMs)}`,
      };
    } catch (error) {
      // Followed by another and removed, between the look at the folder and the look at the file.
      if (errnoOf(error) === 'ENOENT') return this.#head();
      throw storageError('read', path, error);
    }
  }

  #timeoutError(owner: ProcessIdentity, timeoutMs: number, folder: string): AuthError {
    return new AuthError(
      'KM_AUTH_LOCK_TIMEOUT',
      `${describeProcess(owner)} has held the lock of ${this.#options.what} for more than ${String(Math.round(timeoutMs / 1000))} s ` +
        `(${folder}); try again later, or end that process`,
    );
  }
}

/** An owner file that is not empty and says nothing is garbage: nobody holds the lock by it. */
function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}
