import { parseDurationMs } from '@kilometers/auth';
import { parseBytes } from '../byte-size.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** How much the queue may keep. */
export type QueueLimits = {
  /** Bytes of all its files; 0 keeps nothing on the disk. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
};

const MIB = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;
const DEFAULT_MAX_BYTES = 256 * MIB;
const DEFAULT_MAX_AGE_MS = 30 * DAY_MS;
/** What passed and was not looked at takes so much of the disk at most, and so much of what the queue may have. */
const PRELUDE_MAX_BYTES = 16 * MIB;
const PRELUDE_PART = 1 / 8;
const LARGEST_SEGMENT_BYTES = 4 * MIB;
/** The queue has so many segments at least: the oldest goes as a whole. */
const SEGMENTS_IN_ALL = 16;

/**
 * `KM_QUEUE_MAX_BYTES` and `KM_QUEUE_MAX_AGE`.
 *
 * @throws {CliError} when one of them makes no sense.
 */
export function queueLimitsFrom(environment: NodeJS.ProcessEnv): QueueLimits {
  return {
    maxBytes: readBytes('KM_QUEUE_MAX_BYTES', environment['KM_QUEUE_MAX_BYTES']),
    maxAgeMs: readAge('KM_QUEUE_MAX_AGE', environment['KM_QUEUE_MAX_AGE']),
  };
}

/** How large a prelude may be, in bytes, where the queue may have `queueBytes`. */
export function preludeBytes(queueBytes: number): number {
  return Math.min(PRELUDE_MAX_BYTES, queueBytes * PRELUDE_PART);
}

/** How large a segment may be, in bytes, where the queue may have `queueBytes`. */
export function segmentBytes(queueBytes: number): number {
  return Math.min(LARGEST_SEGMENT_BYTES, queueBytes / SEGMENTS_IN_ALL);
}

function readBytes(name: string, text = ''): number {
  if (text === '') return DEFAULT_MAX_BYTES;
  const bytes = parseBytes(text);
  if (bytes !== undefined && (bytes === 0 || (bytes >= MIB && bytes <= 1024 * 1024 * MIB))) return bytes;
  throw wrong(
    name,
    text,
    'a size from 1MiB to 1024GiB, such as 256MiB or 268435456, or 0 for no queue on the disk',
  );
}

function readAge(name: string, text = ''): number {
  if (text === '') return DEFAULT_MAX_AGE_MS;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 60_000 && ms <= 365 * DAY_MS) return ms;
  throw wrong(name, text, 'a duration from 1m to 365d, such as 30d');
}

function wrong(name: string, text: string, allowed: string): CliError {
  return new CliError(`${name} is ${JSON.stringify(text)}: give ${allowed}`, { exitCode: EXIT.usage });
}
