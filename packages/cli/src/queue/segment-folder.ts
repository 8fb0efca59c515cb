import { readdir, rename, stat, unlink, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { positionPath, readPosition, removePosition } from './delivered-position.js';
import { countIn, GROUP_HEAD_BYTES, groupEnd } from './record-group.js';
import { parseSegmentPath, segmentPath, type SegmentFile } from './segment-name.js';
import { FIRST_RECORD } from './segment-reader.js';
import type { RecordPosition } from './segment-writer.js';

const CHUNK_BYTES = 1024 * 1024;
/** Behind the name of a file that is being given up. */
const GIVEN_UP = '.given-up';

/** The segments in a folder, oldest first. A folder that is not there, or cannot be read, has none. */
export async function listSegments(folder: string): Promise<readonly SegmentFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.sort().map((name) => parseSegmentPath(join(folder, name)));
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
  await removePosition(file);
}

/** Moves a segment that does not open whole out of the way; resolves with where it is. */
export async function setSegmentAside(file: SegmentFile): Promise<string> {
  const aside = await setFileAside(segmentPath(file));
  await removePosition(file);
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
  await rename(positionPath(file), positionPath({ ...file, folder })).catch(() => undefined);
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
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset);
      ahead = { bytes: chunk.subarray(0, bytesRead), at: offset };
    }
    const end = groupEnd(ahead.bytes, offset - ahead.at);
    if (typeof end === 'string' || ahead.at + end > size) break;
    records += countIn(ahead.bytes.subarray(offset - ahead.at));
    offset = ahead.at + end;
  }
  return records;
}

/** Removes a segment; the one process that does it counts what was not delivered. */
export async function giveUpSegment(segment: SegmentFile): Promise<number> {
  const events = await giveUpFile(segmentPath(segment), (await readPosition(segment))?.end);
  await removePosition(segment);
  return events;
}

/** As {@link giveUpSegment}, for a file with records from `begin` on; of a prelude each counts as an event. */
export async function giveUpFile(path: string, begin?: RecordPosition): Promise<number> {
  const doomed = `${path}${GIVEN_UP}`;
  try {
    await rename(path, doomed);
  } catch {
    return 0;
  }
  const events = await countEvents(doomed, begin);
  await unlink(doomed).catch(() => undefined);
  return events;
}

/** Whether a file is there only until {@link giveUpFile} is through with it. */
export function isGivenUp(path: string): boolean {
  return path.endsWith(GIVEN_UP);
}

/** Removes what a process left that was killed while it gave a file up; the one process that does it counts. */
export async function finishGivingUp(doomed: string): Promise<number> {
  const segment = parseSegmentPath(doomed.slice(0, -GIVEN_UP.length));
  const begin = segment === undefined ? undefined : (await readPosition(segment))?.end;
  const events = await countEvents(doomed, begin);
  const isOurs = await unlink(doomed).then(
    () => true,
    () => false,
  );
  if (segment !== undefined) await removePosition(segment);
  return isOurs ? events : 0;
}
