import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { ownIdentity, parseIdentity, type ProcessIdentity } from './process-identity.js';
import { errnoOf, storageError } from './storage-error.js';
import { removeQuietly, sweepTemporaries, temporaryName } from './temporary-file.js';

/*
 * The files of a lock. Each call is a few system calls on a local disk, made at once: to wait for them one by one costs
 * more than they do, and many processes look at the same time.
 */

const GENERATION = /^\d{10,15}$/;
/** A file that is listed so often and is never there is not one that others remove as they follow. */
const MOST_LOOKS = 100;

/** The highest generation, as found. */
export type Head = {
  readonly generation: number;
  readonly owner: ProcessIdentity | undefined;
  /** Changes with every heartbeat, and when it is let go. */
  readonly beat: string;
};

function pathOf(folder: string, generation: number): string {
  return join(folder, String(generation).padStart(10, '0'));
}

/** @throws {AuthError} `KM_AUTH_CACHE` when the folder cannot be read. */
export function generationsIn(folder: string): readonly number[] {
  try {
    return readdirSync(folder)
      .filter((name) => GENERATION.test(name))
      .map(Number);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storageError('read', folder, error);
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

function beatOf(generation: number, { mtimeMs, size }: Stats): string {
  return `${String(generation)}:${String(mtimeMs)}:${String(size)}`;
}

function readGeneration(path: string, generation: number): Head {
  // What is no file, a link say, is garbage as well. Never waits: a pipe would.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    return {
      generation,
      owner: stats.isFile() && stats.size > 0 ? parseOwner(readFileSync(fd, 'utf8')) : undefined,
      beat: beatOf(generation, stats),
    };
  } finally {
    closeSync(fd);
  }
}

/** @throws {AuthError} `KM_AUTH_CACHE` when the folder, or what is in it, cannot be read. */
export function headOf(folder: string): Head | undefined {
  for (let looks = 1; ; looks += 1) {
    const generations = generationsIn(folder);
    if (generations.length === 0) return undefined;
    const generation = Math.max(...generations);
    const path = pathOf(folder, generation);
    try {
      return readGeneration(path, generation);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ELOOP') return { generation, owner: undefined, beat: `${String(generation)}:link` };
      // Followed by another and removed, between the look at the folder and the look at the file.
      if (code !== 'ENOENT' || looks === MOST_LOOKS) throw storageError('read', path, error);
    }
  }
}

/** Whether a head is as it was found, be its owner dead by now: one system call. Who follows it empties or removes it. */
export function isUntouched(folder: string, { generation, beat }: Head): boolean {
  try {
    return beatOf(generation, lstatSync(pathOf(folder, generation))) === beat;
  } catch {
    // Whatever it is, a whole look finds it.
    return false;
  }
}

/**
 * Links this process's identity as a generation, and returns the file, open: whatever fails from now on, it can be
 * emptied. `undefined` when another was faster.
 *
 * @throws the error of the file system; `ENOENT` when the folder is not there.
 */
export function linkGeneration(folder: string, generation: number): number | undefined {
  const temporary = temporaryName(join(folder, 'owner'));
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  try {
    const written = openSync(temporary, O_RDWR | O_CREAT | O_EXCL, 0o600);
    try {
      writeSync(written, JSON.stringify(ownIdentity()));
    } finally {
      // Closed first: only then do some network file systems show others what was written.
      closeSync(written);
    }
    const fd = openSync(temporary, O_RDWR);
    try {
      linkSync(temporary, pathOf(folder, generation));
      return fd;
    } catch (error) {
      closeSync(fd);
      if (errnoOf(error) === 'EEXIST') return undefined;
      throw error;
    }
  } finally {
    removeQuietly(temporary);
  }
}

/** Removes a generation that is not the highest. */
export function unlinkGeneration(folder: string, generation: number): void {
  removeQuietly(pathOf(folder, generation));
}

/**
 * Whether `generation`, just linked, is the highest, and the one before is there. Then those before are removed.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when the folder cannot be read.
 */
export function isNextGeneration(folder: string, generation: number, nowMs: number): boolean {
  const generations = generationsIn(folder);
  const isAfterOther = generation === 1 || generations.includes(generation - 1);
  if (!isAfterOther || generations.some((other) => other > generation)) return false;
  for (const other of generations) if (other < generation) unlinkGeneration(folder, other);
  sweepTemporaries(join(folder, 'owner'), nowMs);
  return true;
}
