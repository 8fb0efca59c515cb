import { unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createProcessLock, isAuthError, Secret, type RevocableToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { revokeAt, type Told, type TokenAuthority } from '../revocation/revoke-at.js';
import { openStorage, type Storage } from '../token-cache.js';
import { SegmentKeys } from './segment-keys.js';
import { listSegments, writtenAtMs } from './segment-folder.js';
import { segmentPath, type SegmentFile } from './segment-name.js';
import { SegmentReader } from './segment-reader.js';
import { SegmentWriter } from './segment-writer.js';
import { queueFolder } from './state-folder.js';

/** Tokens that whoever issued them is to end, and could not be told. */
export type PendingRevocation = TokenAuthority & {
  /** In the order in which it is to be told: a refresh token first. */
  readonly tokens: readonly RevocableToken[];
};

/** What became of the revocations that were pending. */
export type RevocationDelivery = {
  readonly delivered: number;
  /** Those that wait on, by the names of their files. */
  readonly waiting: ReadonlySet<string>;
  /** Why they can never be told, of those of which that is so. */
  readonly untold: ReadonlyMap<string, string>;
};

const PURPOSE = 'queue of revocations';
/** Long before this a token has ended by itself. By the clock, which may have been put right: so long is tried once more. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;
/** One that is being written is left alone for so long. */
const WRITING_MS = 60_000;

/**
 * Keeps a revocation, sealed and on the disk, until a `km` that runs later can tell the API.
 *
 * Resolves with the name of its file.
 *
 * @throws {CliError} when this user has no home. @throws {AuthError} or the file system's error when it cannot be written.
 */
export async function addPendingRevocation(
  { apiEndpoint, oauth, tokens }: PendingRevocation,
  context: CommandContext,
): Promise<string> {
  const place = placeOf(context);
  if (place === undefined) {
    throw new CliError('a revocation cannot be kept for later: this user has no home; set KM_CONFIG_DIR', {
      exitCode: EXIT.failed,
    });
  }
  const writer = await SegmentWriter.create({
    folder: place.folder,
    sealer: await place.keys.current(),
    purpose: PURPOSE,
    description: { apiEndpoint, ...(oauth !== undefined && { oauth: describe(oauth) }) },
    clock: context.clock,
  });
  try {
    const heads = tokens.map(({ token, kind }) => JSON.stringify({ kind, token: token.reveal() }));
    await writer.append(heads.map((head) => ({ head, body: Buffer.alloc(0) })));
  } finally {
    await writer.close();
  }
  return writer.file.name;
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
 */
export async function deliverPendingRevocations(context: CommandContext): Promise<RevocationDelivery> {
  const place = placeOf(context);
  const files = place === undefined ? [] : await listSegments(place.folder);
  if (place === undefined || files.length === 0)
    return { delivered: 0, waiting: new Set(), untold: new Map() };
  const { clock, random } = context;
  const lock = createProcessLock({
    folder: join(place.folder, '.lock'),
    what: 'the pending revocations',
    clock,
    random,
  });
  const held = await lock.tryAcquire();
  const names = new Set(files.map(({ name }) => name));
  if (held === undefined) return { delivered: 0, waiting: names, untold: new Map() };
  try {
    return await deliverAll(await listSegments(place.folder), place.keys, context);
  } finally {
    await held.release();
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

async function deliverAll(
  files: readonly SegmentFile[],
  keys: SegmentKeys,
  context: CommandContext,
): Promise<RevocationDelivery> {
  const nowMs = context.clock.nowMs();
  const deaf = new Set<string>();
  const waiting = new Set<string>();
  const untold = new Map<string, string>();
  let delivered = 0;
  for (const file of files) {
    if (file.state === 'open' && nowMs - file.begunAtMs < WRITING_MS) continue;
    const revocation = await readRevocation(file, keys);
    if (revocation === 'foreign') {
      if (await isOver(file, nowMs)) await unlink(segmentPath(file)).catch(() => undefined);
      continue;
    }
    const told =
      revocation === 'kept'
        ? 'later'
        : revocation === 'useless'
          ? 'told'
          : await tell(revocation, deaf, context);
    if (told === 'later' && !(await isOver(file, nowMs))) {
      waiting.add(file.name);
      continue;
    }
    await unlink(segmentPath(file)).catch(() => undefined);
    if (typeof told === 'object') untold.set(file.name, told.why);
    if (revocation !== 'useless' && told !== 'later') delivered += 1;
  }
  return { delivered, waiting, untold };
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

type Authority = NonNullable<TokenAuthority['oauth']>;

function describe({ provider, clientSecret }: Authority): object {
  return { provider, ...(clientSecret !== undefined && { clientSecret: clientSecret.reveal() }) };
}

/** What `describe` made; `undefined` where there was nothing. */
function authorityIn(value: unknown): Authority | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { provider, clientSecret } = value as Readonly<Record<string, unknown>>;
  return {
    provider: provider as Authority['provider'],
    ...(typeof clientSecret === 'string' && { clientSecret: new Secret(clientSecret) }),
  };
}

/**
 * `useless`: it does not open, and never will. `kept`: it may, with a newer version, or once the disk reads it. `foreign`:
 * its key is in another folder of this user's, or gone.
 */
async function readRevocation(
  file: SegmentFile,
  keys: SegmentKeys,
): Promise<PendingRevocation | 'useless' | 'kept' | 'foreign'> {
  const reader = await SegmentReader.open(segmentPath(file), PURPOSE, keys).catch((error: unknown) => {
    // Without a key nothing of all this can be told.
    if (isAuthError(error)) throw error;
    return undefined;
  });
  if (reader === undefined) return 'kept';
  if (!(reader instanceof SegmentReader)) {
    if (reader.kind === 'foreign') return 'foreign';
    return reader.kind === 'newer' ? 'kept' : 'useless';
  }
  try {
    const description = membersIn(await reader.next());
    const { apiEndpoint } = description;
    if (typeof apiEndpoint !== 'string') return 'useless';
    const oauth = authorityIn(description['oauth']);
    const tokens: RevocableToken[] = [];
    for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
      const { token, kind } = membersIn(record);
      if (typeof token !== 'string' || (kind !== 'refresh_token' && kind !== 'access_token')) continue;
      tokens.push({ token: new Secret(token), kind });
    }
    return { apiEndpoint, ...(oauth !== undefined && { oauth }), tokens };
  } finally {
    await reader.close();
  }
}

function membersIn(record: { readonly head: string } | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(record?.head ?? '{}');
    return (value ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
