import { existsSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  livenessOf,
  ownIdentity,
  type Clock,
  type ProcessIdentity,
  type RecordSealer,
} from '@kilometers/auth';
import type { MonitorEvent } from '../monitor/monitor-event.js';
import { namesIn } from './names-in.js';
import { parseDescription, type PreludeDescription } from './prelude-description.js';
import { readProgress } from './prelude-progress.js';
import { PreludeReader } from './prelude-reader.js';
import { setFileAside, writtenAtMs } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { moveNotes, notedOf, removeNotes } from './segment-notes.js';
import { SegmentReader, type UnreadableSegment } from './segment-reader.js';
import { SegmentWriter } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** A session whose process cannot be told to be alive is over when it wrote nothing for so long. */
const SILENT_MS = 60_000;
const NAME = /^\d{15}-[0-9a-f]{12}[.]prelude$/;

/** What makes events of what a session keeps. */
export type PreludeSession = Pick<
  PreludeDescription,
  'correlationId' | 'redact' | 'maxPayloadBytes' | 'from'
>;

/** Begins a prelude of this process. Fails as the file system does. */
export function beginPreludeFile(
  session: PreludeSession,
  {
    folder,
    account,
    sealer,
    clock,
    owner = ownIdentity(),
  }: {
    readonly folder: string;
    readonly account: Partial<QueueAccount>;
    readonly sealer: RecordSealer;
    readonly clock: Clock;
    readonly owner?: ProcessIdentity;
  },
): Promise<SegmentWriter> {
  const description: PreludeDescription = {
    kind: 'prelude',
    profile: account.profile,
    origin: account.origin,
    owner,
    ...session,
  };
  return SegmentWriter.create({
    folder,
    sealer,
    purpose: 'prelude of a session',
    description,
    clock,
    state: 'prelude',
  });
}

/** What a prelude came to. */
export type PreludeEvents = {
  readonly description: PreludeDescription;
  readonly events: readonly MonitorEvent[];
  readonly damage: string | undefined;
};

export function isPreludeName(name: string): boolean {
  return NAME.test(name);
}

/** Paths of the preludes in a folder, the oldest first. */
export async function listPreludes(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).filter(isPreludeName).map((name) => join(folder, name));
}

/** Takes the preludes of a folder into another one. */
export async function movePreludes(from: string, to: string): Promise<void> {
  for (const path of await listPreludes(from)) {
    await moveNotes(notedOf(path), to);
    await rename(path, join(to, basename(path))).catch(() => undefined);
  }
}

/** As {@link openPrelude}, of all that is left of it. */
export async function readPrelude(
  path: string,
  keys: SegmentKeys,
  nowMs: number,
): Promise<PreludeEvents | UnreadableSegment | undefined> {
  const reader = await openPrelude(path, keys, nowMs);
  if (!(reader instanceof PreludeReader)) return reader;
  try {
    const events = await reader.next(Infinity);
    return { description: reader.description, events, damage: reader.damage };
  } finally {
    await reader.close();
  }
}

/**
 * Opens a prelude whose session is over, to make events of what is left of it; `undefined` while it goes on.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
 */
export async function openPrelude(
  path: string,
  keys: SegmentKeys,
  nowMs: number,
): Promise<PreludeReader | UnreadableSegment | undefined> {
  const reader = await SegmentReader.open(path, 'prelude of a session', keys);
  // Of a time that is still to come, a clock was wrong: who goes on writing writes at this one's.
  const silentMs = Math.abs(nowMs - ((await writtenAtMs(path)) ?? nowMs));
  // Its first record may be on its way.
  if (!(reader instanceof SegmentReader)) {
    return reader.kind === 'short' && silentMs < SILENT_MS ? undefined : reader;
  }
  let opened: PreludeReader | undefined;
  try {
    const description = parseDescription((await reader.next())?.head);
    if (description === undefined) {
      return silentMs < SILENT_MS ? undefined : { kind: 'poisoned', why: 'it does not say what it is' };
    }
    const liveness = livenessOf(description.owner);
    if (liveness === 'alive' || (liveness === 'unknown' && silentMs < SILENT_MS)) return undefined;
    opened = new PreludeReader(reader, description, await readProgress(notedOf(path)));
    return opened;
  } finally {
    if (opened === undefined) await reader.close();
  }
}

/** Whether the session of a prelude goes on, or may do so; without the key it cannot be told, and is taken to be over. */
export async function goesOn(path: string, keys: SegmentKeys, nowMs: number): Promise<boolean> {
  const opened = await openPrelude(path, keys, nowMs).catch(() => null);
  if (opened instanceof PreludeReader) await opened.close();
  return opened === undefined;
}

/**
 * Removes a prelude; resolves with whether it is gone. What is noted of it goes after it: without a note all events would be
 * made again.
 */
export async function removePrelude(path: string): Promise<boolean> {
  await unlink(path).catch(() => undefined);
  if (existsSync(path)) return false;
  await removeNotes(notedOf(path));
  return true;
}

/** Moves a prelude that does not open whole out of the way; resolves with where it is, unless it cannot be moved. */
export async function setPreludeAside(path: string): Promise<string | undefined> {
  const aside = await setFileAside(path);
  if (existsSync(path)) return undefined;
  await removeNotes(notedOf(path));
  return aside;
}
