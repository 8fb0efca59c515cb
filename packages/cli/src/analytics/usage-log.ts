import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ensurePrivateFolder } from '@kilometers/auth';
import { KEPT_DAYS } from './kept-days.js';
import { formatRecord, parseRecord, type UsageRecord } from './usage-record.js';

const DAY_MS = 86_400_000;
/** A day's file takes no more than this: what comes later that day is not recorded, */
const MAX_BYTES = 1024 * 1024;
/** but for what a user was told, which would be told again otherwise. */
const MORE_BYTES = 64 * 1024;
/** What happened later than now, by so much, happened by a clock that was wrong: of clocks that agree it is less. */
const MAX_AHEAD_MS = 60_000;
/** No link is followed, and a pipe in a file's place, which is left alone, stops nobody. */
const PLAIN_FILE = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NAME = /^(\d{4}-\d{2}-\d{2})\.jsonl$/;

/** The day, by UTC, as files are named after it. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * Appends records to the file of the day, in one write, so that processes which append at the same time do not tear
 * each other's lines. The first one of a day removes what is too old.
 *
 * @throws the file system's error; who records usage lets nothing depend on it.
 */
export function appendUsage(folder: string, records: readonly UsageRecord[], nowMs: number): void {
  ensurePrivateFolder(folder);
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  const file = openSync(
    join(folder, `${dayOf(nowMs)}.jsonl`),
    O_APPEND | O_CREAT | O_WRONLY | PLAIN_FILE,
    0o600,
  );
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return;
    const { size } = stats;
    const lines = records.map(formatRecord).join('');
    const isTold = records.every(({ type }) => type === 'alert');
    const mostBytes = isTold ? MAX_BYTES + MORE_BYTES : MAX_BYTES;
    if (size + Buffer.byteLength(lines) <= mostBytes) writeSync(file, lines);
    if (size === 0) removeOld(folder, nowMs);
  } finally {
    closeSync(file);
  }
}

function removeOld(folder: string, nowMs: number): void {
  const oldest = dayOf(nowMs - KEPT_DAYS * DAY_MS);
  for (const name of readdirSync(folder)) {
    const [, day] = NAME.exec(name) ?? [];
    if (day !== undefined && day < oldest) unlinkSync(join(folder, name));
  }
}

/** The records from a time until now, the oldest first. What cannot be read is left out: nobody depends on it. */
export function readUsage(folder: string, sinceMs: number, nowMs: number): readonly UsageRecord[] {
  const untilMs = nowMs + MAX_AHEAD_MS;
  const [first, last] = [dayOf(sinceMs), dayOf(untilMs)];
  return filesIn(folder)
    .filter((name) => name.slice(0, first.length) >= first && name.slice(0, last.length) <= last)
    .flatMap((name) => linesOf(join(folder, name)))
    .flatMap((line) => parseRecord(line) ?? [])
    .filter(({ at }) => at >= sinceMs && at <= untilMs)
    .sort((one, other) => one.at - other.at);
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .sort();
  } catch {
    return [];
  }
}

function linesOf(path: string): readonly string[] {
  try {
    const file = openSync(path, constants.O_RDONLY | PLAIN_FILE);
    try {
      const stats = fstatSync(file);
      if (!stats.isFile() || stats.size > 2 * MAX_BYTES) return [];
      return readFileSync(file, 'utf8').split('\n');
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
}
