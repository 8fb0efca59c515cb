import { readFileSync, readlinkSync } from 'node:fs';
import { errnoOf } from './storage-error.js';

/** Which process holds a lock, in words that another process, container or machine can judge. */
export type ProcessIdentity = {
  readonly pid: number;
  /** When the process started, in clock ticks since boot: a pid that was given out again has another. */
  readonly startTicks: string | undefined;
  /** The pid namespace: within another one, a pid says nothing. */
  readonly pidNamespace: string | undefined;
  /** The boot of the kernel: another machine, or the same one since it was started again, has another. */
  readonly bootId: string | undefined;
  readonly host: string;
  /** The thread, where it may end while the process lives on: it is not the first one. */
  readonly thread?: { readonly id: number; readonly startTicks: string } | undefined;
};

type ThreadIdentity = NonNullable<ProcessIdentity['thread']>;

/** What is read; `onTrouble` where it may be there, and cannot be read now, as with too many open files. */
function attempt(read: () => string, onTrouble?: () => void): string | undefined {
  try {
    return read().trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') onTrouble?.();
    return undefined;
  }
}

/** Reads the `stat` of a process or thread in `/proc`. Fails as the file system does. */
type ReadStat = (name: string) => string;

const readStat: ReadStat = (name) => readFileSync(`/proc/${name}/stat`, 'utf8');

/** What a `stat` says from its third field on. The second is a name in parentheses that may have anything in it. */
function fieldsOf(stat: string): readonly string[] {
  return stat
    .trim()
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ');
}

function startTicksOf(name: string, onTrouble: () => void): string | undefined {
  const stat = attempt(() => readStat(name), onTrouble);
  return stat && fieldsOf(stat)[START_TICKS];
}

/** The position in {@link fieldsOf} of when it started. */
const START_TICKS = 19;

/** How a process learns who it is; tests bring their own. */
export type IdentitySource = { readonly pid: number; readonly readLink: (path: string) => string };

function ownThread({ pid, readLink }: IdentitySource, onTrouble: () => void): ThreadIdentity | undefined {
  const name = attempt(() => readLink('/proc/thread-self'), onTrouble);
  const id = Number(name?.split('/').at(-1));
  const startTicks = name === undefined ? undefined : startTicksOf(name, onTrouble);
  return id === pid || startTicks === undefined ? undefined : { id, startTicks };
}

export function readOwnIdentity(
  source: IdentitySource,
  onTrouble: () => void = () => undefined,
): ProcessIdentity {
  const { pid, readLink } = source;
  // Where /proc was mounted outside of this pid namespace, the pids in it are those of others.
  const isProcOurs = attempt(() => readLink('/proc/self'), onTrouble) === String(pid);
  return {
    pid,
    startTicks: startTicksOf('self', onTrouble),
    pidNamespace: isProcOurs ? attempt(() => readLink('/proc/self/ns/pid'), onTrouble) : undefined,
    bootId: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), onTrouble),
    host: process.getBuiltinModule('node:os').hostname(),
    thread: isProcOurs ? ownThread(source, onTrouble) : undefined,
  };
}

/** Reads once who a process is; again as long as something of that cannot be read. */
export function rememberOwnIdentity(source: IdentitySource): () => ProcessIdentity {
  let known: ProcessIdentity | undefined;
  return () => {
    if (known !== undefined) return known;
    let troubles = 0;
    const read = readOwnIdentity(source, () => {
      troubles += 1;
    });
    if (troubles === 0) known = read;
    return read;
  };
}

const remembered = rememberOwnIdentity({ pid: process.pid, readLink: (path) => readlinkSync(path) });

/** This process, and this thread of it. */
export function ownIdentity(): ProcessIdentity {
  return remembered();
}

/**
 * Whether a process, and the thread of it that is named, lives, as far as this one can know: `unknown` where its pid means
 * nothing here, where nothing tells a pid that was given out again, or where `/proc` cannot be read.
 */
export function livenessOf(
  other: ProcessIdentity,
  self: ProcessIdentity = ownIdentity(),
  read: (name: string) => string = readStat,
): 'alive' | 'dead' | 'unknown' {
  const isComparable =
    other.bootId !== undefined &&
    other.pidNamespace !== undefined &&
    other.bootId === self.bootId &&
    other.pidNamespace === self.pidNamespace;
  if (!isComparable) return 'unknown';
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return 'dead';
  }
  const stat = fieldsOf(attempt(() => read(String(other.pid))) ?? '');
  const startTicks = stat[START_TICKS];
  if (startTicks === undefined || other.startTicks === undefined) return 'unknown';
  // `Z` and `X`: a process that is over but not yet collected.
  const isOver = stat[0] === 'Z' || stat[0] === 'X';
  if (startTicks !== other.startTicks || isOver) return 'dead';
  return other.thread === undefined ? 'alive' : threadLiveness(other.pid, other.thread, read);
}

function threadLiveness(
  pid: number,
  { id, startTicks }: ThreadIdentity,
  read: ReadStat,
): ReturnType<typeof livenessOf> {
  try {
    return fieldsOf(read(`${String(pid)}/task/${String(id)}`))[START_TICKS] === startTicks ? 'alive' : 'dead';
  } catch (error) {
    // Whatever else keeps it from being read, such as too many open files, says nothing of the thread.
    return ['ENOENT', 'ESRCH'].includes(errnoOf(error) ?? '') ? 'dead' : 'unknown';
  }
}

/** How an error names a process. */
export function describeProcess({ pid, host }: ProcessIdentity): string {
  return `process ${String(pid)} on ${host}`;
}

function parseThread(value: unknown): ThreadIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, startTicks } = value as Readonly<Record<string, unknown>>;
  const isOne = Number.isSafeInteger(id) && typeof startTicks === 'string';
  return isOne ? { id: id as number, startTicks } : undefined;
}

/** The identity that `value`, read from a lock file, is; `undefined` when it is none. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTicks, pidNamespace, bootId, host, thread } = value as Readonly<Record<string, unknown>>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const text = (field: unknown): string | undefined => (typeof field === 'string' ? field : undefined);
  return {
    pid,
    startTicks: text(startTicks),
    pidNamespace: text(pidNamespace),
    bootId: text(bootId),
    host: text(host) ?? 'an unknown host',
    thread: parseThread(thread),
  };
}
