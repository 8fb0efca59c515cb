import { rename, stat, unlink, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { readPosition } from './delivered-position.js';
import { namesIn } from './names-in.js';
import { openIfThere } from './open-if-there.js';
import { readProgress } from './prelude-progress.js';
import { countIn, GROUP_HEAD_BYTES, groupEnd } from './record-group.js';
import { parseSegmentPath, segmentPath, type SegmentFile } from './segment-name.js';
import { moveNotes, notedOf, removeNotes, type Noted } from './segment-notes.js';
import { FIRST_RECORD } from './segment-reader.js';
import type { RecordPosition } from './segment-writer.js';

const CHUNK_BYTES = 1024 * 1024;
const NOTHING_READ = { bytesRead: 0 };
/** The folders of all accounts in the folder of the queue. */
export async function accountFoldersIn(root: string): Promise<readonly string[]> {
  const names = (await namesIn(root)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  return names.map((name) => join(root, name));
}

/** Behind the name of a file that is being given up. */
const GIVEN_UP = '.given-up';

/** The segments in a folder, oldest first. A folder that is not there has none; one that cannot be read fails. */
export async function listSegments(folder: string): Promise<readonly SegmentFile[]> {
  const files = (await namesIn(folder)).map((name) => parseSegmentPath(join(folder, name)));
  return files.filter((file) => file !== undefined);
}

/** Bytes of a file; 0 when it is gone. */
export async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Milliseconds since the epoch when a file was last written; `undefined` when it is gone. */
export async function writtenAtMs(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

/** Says that nothing is appended to a segment any more: its owner finds out, and begins another. */
export async function closeSegment(file: SegmentFile): Promise<SegmentFile> {
  const closed = { ...file, state: 'closed' as const };
  await rename(segmentPath(file), segmentPath(closed)).catch(() => undefined);
  return closed;
}

export async function removeSegment(file: SegmentFile): Promise<void> {
  await unlink(segmentPath(file)).catch(() => undefined);
  await removeNotes(file);
}

/** Puts on the disk what was appended to a segment, if it is still there. Fails as the file system does. */
export async function syncSegment(folder: string, name: string): Promise<void> {
  for (const state of ['open', 'closed'] as const) {
    const handle = await openIfThere(segmentPath({ folder, name, state }));
    if (handle === undefined) continue;
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return;
  }
}

/** Moves a segment that does not open whole out of the way; resolves with where it is. */
export async function setSegmentAside(file: SegmentFile): Promise<string> {
  const aside = await setFileAside(segmentPath(file));
  await removeNotes(file);
  return aside;
}

/** As {@link setSegmentAside}, for a file that is no segment of events. */
export async function setFileAside(path: string): Promise<string> {
  const aside = `${path}.corrupt`;
  await rename(path, aside).catch(() => undefined);
  return aside;
}

/** Takes an event's segment into another folder, with what was delivered of it. */
export async function moveSegment(file: SegmentFile, folder: string): Promise<void> {
  await moveNotes(file, folder);
  await rename(segmentPath(file), segmentPath({ ...file, folder })).catch(() => undefined);
}

/** How many events wait in the segments of a folder that `isMeant`. */
export async function countWaiting(
  folder: string,
  isMeant: (file: SegmentFile) => boolean = () => true,
): Promise<number> {
  let events = 0;
  for (const file of await listSegments(folder)) {
    if (file.state === 'refused' || !isMeant(file)) continue;
    events += await countEvents(segmentPath(file), (await readPosition(file))?.end);
  }
  return events;
}

/**
 * How many events there are from `begin` on (default: all), told by what groups say of themselves; nothing is opened. The first
 * record is no event.
 */
export async function countEvents(path: string, begin = FIRST_RECORD): Promise<number> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return 0;
  try {
    const records = (await countRecords(handle, begin.offset)) - begin.within;
    return Math.max(0, begin.number > 0 ? records : records - 1);
  } finally {
    await handle.close();
  }
}

async function countRecords(handle: FileHandle, begin: number): Promise<number> {
  const { size } = await handle.stat();
  let [records, offset] = [0, begin];
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(GROUP_HEAD_BYTES, size - begin)));
  let ahead = { bytes: chunk.subarray(0, 0), at: 0 };
  while (offset + GROUP_HEAD_BYTES <= size) {
    if (offset < ahead.at || offset + GROUP_HEAD_BYTES > ahead.at + ahead.bytes.length) {
      // A disk that cannot read it any more is no reason to keep it.
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset).catch(() => NOTHING_READ);
      ahead = { bytes: chunk.subarray(0, bytesRead), at: offset };
    }
    const end = groupEnd(ahead.bytes, offset - ahead.at);
    if (typeof end === 'string' || ahead.at + end > size) break;
    records += countIn(ahead.bytes.subarray(offset - ahead.at));
    offset = ahead.at + end;
  }
  return records;
}

/**
 * Removes a segment or prelude; the one process that does it counts what was not delivered, or made into events: of a
 * prelude each record counts as one.
 */
export async function giveUpFile(path: string): Promise<number> {
  const doomed = `${path}${GIVEN_UP}`;
  const noted = notedOf(path);
  const begin = await settledEnd(noted);
  try {
    await rename(path, doomed);
  } catch {
    return 0;
  }
  const events = await countEvents(doomed, begin);
  await unlink(doomed).catch(() => undefined);
  await removeNotes(noted);
  return events;
}

/** Whether a file is there only until {@link giveUpFile} is through with it. */
export function isGivenUp(path: string): boolean {
  return path.endsWith(GIVEN_UP);
}

/** Removes what a process left that was killed while it gave a file up; the one process that does it counts. */
export async function finishGivingUp(doomed: string): Promise<number> {
  const noted = notedOf(doomed);
  const events = await countEvents(doomed, await settledEnd(noted));
  const isOurs = await unlink(doomed).then(
    () => true,
    () => false,
  );
  await removeNotes(noted);
  return isOurs ? events : 0;
}

/** Up to where a segment is delivered, or a prelude made into events. */
async function settledEnd(noted: Noted): Promise<RecordPosition | undefined> {
  return (await readPosition(noted))?.end ?? (await readProgress(noted))?.end;
}
