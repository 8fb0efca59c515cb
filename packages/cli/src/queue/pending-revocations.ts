import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createProcessLock,
  isAuthError,
  revokeToken,
  Secret,
  type HttpTransport,
  type RevocableToken,
} from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { transportOf } from '../network/transport.js';
import { openStorage } from '../token-cache.js';
import { SegmentKeys } from './segment-keys.js';
import { parseSegmentPath, segmentPath, type SegmentFile } from './segment-name.js';
import { SegmentReader } from './segment-reader.js';
import { SegmentWriter } from './segment-writer.js';
import { queueFolder } from './state-folder.js';

/** Tokens that an API is to end, and could not be told. */
export type PendingRevocation = {
  /** Base URL of the API that issued them. */
  readonly apiEndpoint: string;
  /** In the order in which it is to be told: a refresh token first. */
  readonly tokens: readonly RevocableToken[];
};

/** What became of the revocations that were pending. */
export type RevocationDelivery = { readonly delivered: number; readonly waiting: number };

const PURPOSE = 'queue of revocations';
/** Long before this a token has ended by itself. */
const MAX_AGE_MS = 30 * 24 * 3_600_000;
/** One that is being written is left alone for so long. */
const WRITING_MS = 60_000;

/**
 * Keeps a revocation, sealed and on the disk, until a `km` that runs later can tell the API.
 *
 * @throws {CliError} when this user has no home. @throws {AuthError} or the file system's error when it cannot be written.
 */
export async function addPendingRevocation(
  { apiEndpoint, tokens }: PendingRevocation,
  context: CommandContext,
): Promise<void> {
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
    description: { apiEndpoint },
    clock: context.clock,
  });
  try {
    const records = tokens.map(({ token, kind }) => JSON.stringify({ kind, token: token.reveal() }));
    await writer.append(records.map((record) => Buffer.from(record)));
  } finally {
    await writer.close();
  }
}

/** How many revocations wait to be delivered. */
export async function countPendingRevocations(context: CommandContext): Promise<number> {
  const place = placeOf(context);
  return place === undefined ? 0 : (await filesIn(place.folder)).length;
}

/**
 * Tells the APIs what they could not be told. One process at a time does it; what cannot be delivered waits on, for at
 * most 30 days.
 */
export async function deliverPendingRevocations(context: CommandContext): Promise<RevocationDelivery> {
  const place = placeOf(context);
  const files = place === undefined ? [] : await filesIn(place.folder);
  if (place === undefined || files.length === 0) return { delivered: 0, waiting: 0 };
  const { clock, random } = context;
  const transport = transportOf(context);
  const lock = createProcessLock({
    folder: join(place.folder, '.lock'),
    what: 'the pending revocations',
    clock,
    random,
  });
  const held = await lock.tryAcquire();
  if (held === undefined) return { delivered: 0, waiting: files.length };
  try {
    return await deliverAll(await filesIn(place.folder), place.keys, { nowMs: clock.nowMs(), transport });
  } finally {
    await held.release();
  }
}

type Place = { readonly folder: string; readonly keys: SegmentKeys };

function placeOf(context: CommandContext): Place | undefined {
  const folder = queueFolder(context.environment);
  const { files } = openStorage(context);
  if (folder === undefined || files === undefined) return undefined;
  return { folder: join(folder, 'revocations'), keys: new SegmentKeys(files) };
}

async function filesIn(folder: string): Promise<readonly SegmentFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.sort().map((name) => parseSegmentPath(join(folder, name)));
  return files.filter((file) => file !== undefined);
}

async function deliverAll(
  files: readonly SegmentFile[],
  keys: SegmentKeys,
  { nowMs, transport }: { readonly nowMs: number; readonly transport: HttpTransport },
): Promise<RevocationDelivery> {
  const deaf = new Set<string>();
  let [delivered, waiting] = [0, 0];
  for (const file of files) {
    if (file.state === 'open' && nowMs - file.begunAtMs < WRITING_MS) continue;
    const revocation = nowMs - file.begunAtMs > MAX_AGE_MS ? 'useless' : await readRevocation(file, keys);
    if (revocation === 'kept' || (revocation !== 'useless' && !(await tell(revocation, deaf, transport)))) {
      waiting += 1;
      continue;
    }
    await unlink(segmentPath(file)).catch(() => undefined);
    if (revocation !== 'useless') delivered += 1;
  }
  return { delivered, waiting };
}

/** Whether the API has been told, or can never be. One that did not answer is not asked again. */
async function tell(
  { apiEndpoint, tokens }: PendingRevocation,
  deaf: Set<string>,
  transport: HttpTransport,
): Promise<boolean> {
  for (const token of tokens) {
    if (deaf.has(apiEndpoint)) return false;
    try {
      if (!(await revokeToken(token, { apiEndpoint, transport }))) deaf.add(apiEndpoint);
    } catch (error) {
      // An endpoint that no request may go to.
      if (isAuthError(error)) return true;
      throw error;
    }
  }
  return !deaf.has(apiEndpoint);
}

/** `useless`: it does not open, and never will. `kept`: a newer version can read it. */
async function readRevocation(
  file: SegmentFile,
  keys: SegmentKeys,
): Promise<PendingRevocation | 'useless' | 'kept'> {
  const reader = await SegmentReader.open(segmentPath(file), PURPOSE, keys);
  if (!(reader instanceof SegmentReader)) return reader.kind === 'newer' ? 'kept' : 'useless';
  try {
    const apiEndpoint = textIn(await reader.next(), 'apiEndpoint');
    if (apiEndpoint === undefined) return 'useless';
    const tokens: RevocableToken[] = [];
    for (let record = await reader.next(); record !== undefined; record = await reader.next()) {
      const [token, kind] = [textIn(record, 'token'), textIn(record, 'kind')];
      if (token === undefined || (kind !== 'refresh_token' && kind !== 'access_token')) continue;
      tokens.push({ token: new Secret(token), kind });
    }
    return { apiEndpoint, tokens };
  } finally {
    await reader.close();
  }
}

function textIn(record: { readonly plaintext: Buffer } | undefined, member: string): string | undefined {
  try {
    const value: unknown = JSON.parse(record?.plaintext.toString() ?? 'null');
    const text: unknown = (value as Readonly<Record<string, unknown>> | null)?.[member];
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
