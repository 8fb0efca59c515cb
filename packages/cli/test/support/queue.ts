import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createFileCache, systemClock, type Clock } from '@kilometers/auth';
import { onTestFinished } from 'vitest';
import type { MonitorEvent } from '../../src/monitor/monitor-event.js';
import { encodeEvent } from '../../src/queue/event-record.js';
import { SegmentKeys } from '../../src/queue/segment-keys.js';
import { SegmentWriter } from '../../src/queue/segment-writer.js';
import { temporaryFolder } from './context.js';
import { eventNamed } from './events.js';

/** Keys of an installation of its own. */
export function newKeys(): SegmentKeys {
  return new SegmentKeys(createFileCache({ folder: temporaryFolder(), environment: {} }));
}

/** An event that happened `atMs` after the epoch. */
export function eventAt(id: string, atMs: number, session = 'session'): MonitorEvent {
  return { ...eventNamed(id), timestamp: new Date(atMs).toISOString(), correlationId: session };
}

/** Begins a segment, as a process that captures does. */
export async function beginSegment(
  folder: string,
  keys: SegmentKeys,
  events: readonly MonitorEvent[] = [],
  clock: Clock = systemClock,
): Promise<SegmentWriter> {
  const writer = await SegmentWriter.create({
    folder,
    sealer: await keys.current(),
    purpose: 'queue of events',
    description: { kind: 'events', profile: 'default' },
    clock,
  });
  onTestFinished(() => writer.close().catch(() => undefined));
  if (events.length > 0) await writer.append(events.map(encodeEvent));
  return writer;
}

/** Names of the files in a folder, without its lock. */
export function filesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
}

/** An empty folder for one account. */
export function accountFolder(): string {
  return join(temporaryFolder(), 'queue', '0123456789abcdef');
}

/** Waits until `read` gives something true, and gives that. */
export async function until<T>(read: () => T | Promise<T>, limitMs = 30_000): Promise<T> {
  const endsAtMs = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (performance.now() > endsAtMs) throw new Error(`waited in vain: ${String(read)}`);
    await delay(2);
  }
}
