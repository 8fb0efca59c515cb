import { readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  livenessOf,
  ownIdentity,
  parseIdentity,
  type Clock,
  type ProcessIdentity,
  type RecordSealer,
} from '@kilometers/auth';
import { Capture, type CaptureState } from '../monitor/capture.js';
import { sizeInMemory, type MonitorEvent } from '../monitor/monitor-event.js';
import { showTo } from '../monitor/recorder.js';
import { createRedactor, type FieldPath } from '../monitor/redaction.js';
import { decodeRingRecords } from './prelude-record.js';
import { writtenAtMs } from './segment-folder.js';
import type { SegmentKeys } from './segment-keys.js';
import { SegmentReader, type UnreadableSegment } from './segment-reader.js';
import { SegmentWriter } from './segment-writer.js';
import type { QueueAccount } from './state-folder.js';

/** A session whose process cannot be told to be alive is over when it wrote nothing for so long. */
const SILENT_MS = 60_000;
const NAME = /^\d{15}-[0-9a-f]{12}[.]prelude$/;

/** What the first record of a prelude says: all that makes events of the rest, which is what passed. */
export type PreludeDescription = {
  readonly kind: 'prelude';
  readonly profile: string | undefined;
  readonly origin: string | undefined;
  /** The process that writes it. */
  readonly owner: ProcessIdentity;
  readonly correlationId: string;
  readonly redact: readonly FieldPath[];
  /** Bytes; `undefined` for the default. */
  readonly maxPayloadBytes: number | undefined;
  /** Of what passed before it; `undefined` for one that begins with its session. */
  readonly from?: CaptureState | undefined;
};

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
  const names = await readdir(folder).catch(() => []);
  return names
    .filter(isPreludeName)
    .sort()
    .map((name) => join(folder, name));
}

/** Takes the preludes of a folder into another one. */
export async function movePreludes(from: string, to: string): Promise<void> {
  for (const path of await listPreludes(from)) {
    await rename(path, path.replace(from, to)).catch(() => undefined);
  }
}

/** As {@link openPrelude}, of all that it has. */
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
 * Opens a prelude whose session is over, to make events of it; `undefined` while it goes on.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` when the key cannot be had now.
 */
export async function openPrelude(
  path: string,
  keys: SegmentKeys,
  nowMs: number,
): Promise<PreludeReader | UnreadableSegment | undefined> {
  const reader = await SegmentReader.open(path, 'prelude of a session', keys);
  const silentMs = nowMs - ((await writtenAtMs(path)) ?? nowMs);
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
    opened = new PreludeReader(reader, description);
    return opened;
  } finally {
    if (opened === undefined) await reader.close();
  }
}

export async function removePrelude(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

/** Makes events of what passed, in its order. */
export class PreludeReader {
  readonly description: PreludeDescription;
  readonly #reader: SegmentReader;
  readonly #capture: Capture;
  #events: MonitorEvent[] = [];
  #bytes = 0;

  constructor(reader: SegmentReader, description: PreludeDescription) {
    const { correlationId, redact, maxPayloadBytes, from } = description;
    this.description = description;
    this.#reader = reader;
    this.#capture = new Capture({
      correlationId,
      notify: () => undefined,
      onEvent: (event) => {
        this.#events.push(event);
        this.#bytes += sizeInMemory(event);
      },
      redact: createRedactor(redact),
      from,
      ...(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }),
    });
  }

  /** What did not open so far. */
  get damage(): string | undefined {
    return this.#reader.damage;
  }

  /** The next events, of which about `bytes` are enough; none at the end. */
  async next(bytes: number): Promise<readonly MonitorEvent[]> {
    while (this.#bytes < bytes) {
      const sealed = await this.#reader.next();
      if (sealed === undefined) break;
      for (const record of decodeRingRecords(sealed)) showTo(this.#capture, record);
    }
    const events = this.#events;
    this.#events = [];
    this.#bytes = 0;
    return events;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

function parseDescription(text = 'null'): PreludeDescription | undefined {
  try {
    const value = JSON.parse(text) as PreludeDescription | null;
    const owner = parseIdentity(value?.owner);
    return value?.kind === 'prelude' && owner !== undefined ? { ...value, owner } : undefined;
  } catch {
    return undefined;
  }
}
