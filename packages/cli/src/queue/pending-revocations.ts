import { unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createProcessLock, type HeldProcessLock, type ProcessLock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { revokeAt, type Told } from '../revocation/revoke-at.js';
import { openStorage, type Storage } from '../token-cache.js';
import { Pause } from './pause.js';
import { readRevocation, writeRevocation, type PendingRevocation } from './revocation-file.js';
import { SegmentKeys } from './segment-keys.js';
import { listSegments, writtenAtMs } from './segment-folder.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import { queueFolder } from './state-folder.js';

/** What became of the revocations that were pending. */
export type RevocationDelivery = {
  readonly delivered: number;
  /** Those that wait on, by the names of their files. */
  readonly waiting: ReadonlySet<string>;
  /** Why they can never be told, of those of which that is so. */
  readonly untold: ReadonlyMap<string, string>;
};

/** Whom somebody waits for. */
type WaitOptions = {
  /** The names of the files in which it is noted. */
  readonly own: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
};

/** Long before this a token has ended by itself. By the clock, which may have been put right: so long is tried once more. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;
/** One that is being written is left alone for so long. */
const WRITING_MS = 60_000;
/** So long, in milliseconds, another process is waited for that delivers: longer than one slow answer. */
const LOCK_TIMEOUT_MS = 15_000;
const LOCK_POLL_MS = 50;

/**
 * Keeps a revocation, sealed and on the disk, until a `km` that runs later can tell the API.
 *
 * Resolves with the name of its file.
 *
 * @throws {CliError} when this user has no home. @throws {AuthError} or the file system's error when it cannot be written.
 */
export async function addPendingRevocation(
  revocation: PendingRevocation,
  context: CommandContext,
): Promise<string> {
  const place = placeOf(context);
  if (place === undefined) {
    throw new CliError('a revocation cannot be kept for later: this user has no home; set KM_CONFIG_DIR', {
      exitCode: EXIT.failed,
    });
  }
  const { folder, keys } = place;
  return writeRevocation(revocation, { folder, sealer: await keys.current(), clock: context.clock });
}

/** How many revocations wait to be delivered, of those that have this folder's key. */
export async function countPendingRevocations(
  context: CommandContext,
  storage: Pick<Storage, 'files'> = openStorage(context),
): Promise<number> {
  const place = placeOf(context, storage);
  if (place === undefined) return 0;
  let count = 0;
  for (const file of await listSegments(place.folder)) {
    // Where the key cannot be had now nobody knows.
    const revocation = await readRevocation(file, place.keys).catch(() => undefined);
    if (revocation !== 'foreign') count += 1;
  }
  return count;
}

/**
 * Tells the APIs what they could not be told. One process at a time does it; what cannot be delivered waits on, for at
 * most 30 days.
 *
 * For what is noted in files of `wait.own`, another process that is at it is waited for.
 */
export async function deliverPendingRevocations(
  context: CommandContext,
  wait: WaitOptions = { own: new Set() },
): Promise<RevocationDelivery> {
  const place = placeOf(context);
  if (place === undefined || (await listSegments(place.folder)).length === 0)
    return { delivered: 0, waiting: new Set(), untold: new Map() };
  const { clock, random } = context;
  const lock = createProcessLock({
    folder: join(place.folder, '.lock'),
    what: 'the pending revocations',
    clock,
    random,
  });
  const held = await acquireFor(wait, lock, place, context);
  if (held === undefined)
    return { delivered: 0, waiting: new Set(await waitingIn(place)), untold: new Map() };
  try {
    return await deliverAll(place, wait.own, context);
  } finally {
    await held.release();
  }
}

/** The lock; `undefined` where others have it, and have not let go while files of `own` were there. */
async function acquireFor(
  { own, signal }: WaitOptions,
  lock: ProcessLock,
  place: Place,
  { clock }: CommandContext,
): Promise<HeldProcessLock | undefined> {
  const untilMs = clock.monotonicMs() + LOCK_TIMEOUT_MS;
  for (;;) {
    const held = await lock.tryAcquire();
    const isOver = signal?.aborted === true || clock.monotonicMs() >= untilMs;
    if (held !== undefined || isOver || !(await waitingIn(place)).some((name) => own.has(name))) return held;
    await new Pause(clock).wait(LOCK_POLL_MS, true);
  }
}

type Place = { readonly folder: string; readonly keys: SegmentKeys };

function placeOf(
  context: CommandContext,
  { files }: Pick<Storage, 'files'> = openStorage(context),
): Place | undefined {
  const folder = queueFolder(context.environment);
  if (folder === undefined || files === undefined) return undefined;
  return { folder: join(folder, 'revocations'), keys: new SegmentKeys(files) };
}

async function waitingIn({ folder }: Place): Promise<readonly string[]> {
  return (await listSegments(folder)).map(({ name }) => name);
}

/** Delivers what there is, and what comes meanwhile: who noted that may be waiting. */
async function deliverAll(
  { folder, keys }: Place,
  own: ReadonlySet<string>,
  context: CommandContext,
): Promise<RevocationDelivery> {
  const nowMs = context.clock.nowMs();
  const deaf = new Set<string>();
  const seen = new Set<string>();
  const waiting = new Set<string>();
  const untold = new Map<string, string>();
  let delivered = 0;

  async function deliver(file: SegmentFile): Promise<void> {
    const revocation = await readRevocation(file, keys);
    if (revocation === 'foreign') {
      if (await isOver(file, nowMs)) await unlink(segmentPath(file)).catch(() => undefined);
      return;
    }
    const told =
      revocation === 'kept'
        ? 'later'
        : revocation === 'useless'
          ? 'told'
          : await tell(revocation, deaf, context);
    // Whoever has just noted it asks by itself, and says why: then it is gone.
    const isAskedFor = !own.has(file.name) && nowMs - file.begunAtMs < LOCK_TIMEOUT_MS;
    const isLater = told === 'later' ? !(await isOver(file, nowMs)) : told !== 'told' && isAskedFor;
    if (isLater) {
      waiting.add(file.name);
      return;
    }
    await unlink(segmentPath(file)).catch(() => undefined);
    if (typeof told === 'object') untold.set(file.name, told.why);
    if (revocation !== 'useless' && told !== 'later') delivered += 1;
  }

  for (;;) {
    const files = (await listSegments(folder)).filter(
      ({ name, state, begunAtMs }) =>
        !seen.has(name) && (state !== 'open' || nowMs - begunAtMs >= WRITING_MS),
    );
    if (files.length === 0) return { delivered, waiting, untold };
    for (const file of files) {
      seen.add(file.name);
      await deliver(file);
    }
  }
}

/** Whether one that cannot be told was tried for long enough: a file that seems too old is dated anew, once. */
async function isOver(file: SegmentFile, nowMs: number): Promise<boolean> {
  if (nowMs - file.begunAtMs <= MAX_AGE_MS) return false;
  const path = segmentPath(file);
  const datedAtMs = (await writtenAtMs(path)) ?? nowMs;
  if (datedAtMs - file.begunAtMs > MAX_AGE_MS) return nowMs - datedAtMs > MAX_AGE_MS;
  await utimes(path, new Date(nowMs), new Date(nowMs)).catch(() => undefined);
  return false;
}

/** Tells what there is to tell. One that did not answer is not asked again. */
async function tell(
  { tokens, ...authority }: PendingRevocation,
  deaf: Set<string>,
  context: CommandContext,
): Promise<Told> {
  const { apiEndpoint, oauth } = authority;
  // Not where the tokens go, but who ends them.
  const who = oauth === undefined ? apiEndpoint : String(oauth.provider['issuer']);
  for (const token of tokens) {
    if (deaf.has(who)) return 'later';
    const told = await revokeAt(authority, token, tokens, context);
    if (told === 'later') deaf.add(who);
    // What goes first is what matters.
    else if (told !== 'told') return told;
  }
  return deaf.has(who) ? 'later' : 'told';
}
