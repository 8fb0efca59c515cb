import { readFile, writeFile } from 'node:fs/promises';
import { openIfThere } from './open-if-there.js';
import { notePath, type Noted } from './segment-notes.js';
import type { RecordPosition } from './segment-writer.js';

/** How much of a prelude events were made of. */
export type PreludeProgress = {
  /** How many were made, */
  readonly events: number;
  /** the id of the last of them, which tells whether the same come of it again, */
  readonly lastId: string;
  /** and when that one happened, in milliseconds since the epoch. */
  readonly atMs: number;
  /** Where in the prelude goes on what nothing was made of. */
  readonly end: RecordPosition;
};

/** A note always has so many bytes: the next one replaces it with one write, and takes no more of a full disk. */
const BYTES = 256;

/** `undefined` where nothing was made yet, or it cannot be told. */
export async function readProgress(prelude: Noted): Promise<PreludeProgress | undefined> {
  try {
    const value = JSON.parse(await readFile(notePath(prelude, 'made'), 'utf8')) as PreludeProgress;
    const { events, lastId, atMs, end } = value;
    const numbers = [events, atMs, end.offset, end.number, end.within];
    return numbers.every(Number.isSafeInteger) && typeof lastId === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the room for the note, before the first event is made. Fails as the file system does. */
export async function beginProgress(prelude: Noted): Promise<void> {
  try {
    await writeFile(notePath(prelude, 'made'), ''.padEnd(BYTES), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Notes what was made, once the disk has it. Where the note is gone so is the prelude. Fails as the file system does. */
export async function noteProgress(prelude: Noted, progress: PreludeProgress): Promise<void> {
  const handle = await openIfThere(notePath(prelude, 'made'));
  try {
    await handle?.write(Buffer.from(JSON.stringify(progress).padEnd(BYTES)), 0, BYTES, 0);
  } finally {
    await handle?.close();
  }
}
