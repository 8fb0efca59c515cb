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
};

function attempt(read: () => string): string | undefined {
  try {
    return read().trim();
  } catch {
    return undefined;
  }
}

/** What `/proc/PID/stat` says from its third field on. The second is a name in parentheses that may have anything in it. */
function statOf(pid: number | 'self'): readonly string[] | undefined {
  const stat = attempt(() => readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The position in {@link statOf} of when the process started. */
const START_TICKS = 19;

/** How a process learns who it is; tests bring their own. */
export type IdentitySource = { readonly pid: number; readonly readLink: (path: string) => string };

export function readOwnIdentity({ pid, readLink }: IdentitySource): ProcessIdentity {
  // Where /proc was mounted outside of this pid namespace, the pids in it are those of others.
  const isProcOurs = attempt(() => readLink('/proc/self')) === String(pid);
  return {
    pid,
    startTicks: statOf('self')?.[START_TICKS],
    pidNamespace: isProcOurs ? attempt(() => readLink('/proc/self/ns/pid')) : undefined,
    bootId: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    host: process.getBuiltinModule('node:os').hostname(),
  };
}

let own: ProcessIdentity | undefined;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  own ??= readOwnIdentity({ pid: process.pid, readLink: (path) => readlinkSync(path) });
  return own;
}

/**
 * Whether a process lives, as far as this one can know: `unknown` where its pid means nothing here, or
 * where nothing tells a pid that was given out again.
 */
export function livenessOf(
  other: ProcessIdentity,
  self: ProcessIdentity = ownIdentity(),
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
  const stat = statOf(other.pid) ?? [];
  const startTicks = stat[START_TICKS];
  if (startTicks === undefined || other.startTicks === undefined) return 'unknown';
  // `Z` and `X`: a process that is over but not yet collected.
  const isOver = stat[0] === 'Z' || stat[0] === 'X';
  return startTicks === other.startTicks && !isOver ? 'alive' : 'dead';
}

/** How an error names a process. */
export function describeProcess({ pid, host }: ProcessIdentity): string {
  return `process ${String(pid)} on ${host}`;
}

/** The identity that `value`, read from a lock file, is; `undefined` when it is none. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTicks, pidNamespace, bootId, host } = value as Readonly<Record<string, unknown>>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const text = (field: unknown): string | undefined => (typeof field === 'string' ? field : undefined);
  return {
    pid,
    startTicks: text(startTicks),
    pidNamespace: text(pidNamespace),
    bootId: text(bootId),
    host: text(host) ?? 'an unknown host',
  };
}
