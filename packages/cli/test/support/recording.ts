import { ownIdentity, type ProcessIdentity } from '@kilometers/auth';
import { onTestFinished } from 'vitest';
import { Capture, type CaptureState } from '../../src/monitor/capture.js';
import { RingReader, RingWriter } from '../../src/monitor/capture-ring.js';
import { createRingMemory } from '../../src/monitor/ring-memory.js';
import type { Direction, MonitorEvent } from '../../src/monitor/monitor-event.js';
import { Recorder, showTo } from '../../src/monitor/recorder.js';
import type { RingRecord } from '../../src/monitor/ring-record.js';
import { WriteAhead, type WriteAheadOptions } from '../../src/monitor/write-ahead.js';
import { beginPreludeFile, listPreludes, readPrelude } from '../../src/queue/prelude-file.js';
import type { SegmentKeys } from '../../src/queue/segment-keys.js';
import type { SegmentWriter } from '../../src/queue/segment-writer.js';
import { FakeClock } from './fake-clock.js';
import { accountFolder, newKeys, until } from './queue.js';

/** A process that is over: no pid is so high. */
const GONE: ProcessIdentity = { ...ownIdentity(), pid: 2 ** 30 };
const QUEUE_BYTES = 256 * 1024 * 1024;
export const LINE = `{"id":1,"method":"tools/call","params":"${'x'.repeat(200)}"}\n`;

function startCapture(onEvent: (event: MonitorEvent) => void): Capture {
  return new Capture({ correlationId: 'session', notify: () => undefined, onEvent });
}

/**
 * A recorder whose events are safe once they are made; `begun` counts its files.
 *
 * @param lookMs how long it looks at each message.
 * @param mayBegin files take so long to be begun.
 */
export function startRecording({
  keys = newKeys(),
  lookMs = 0,
  ringBytes = 64 * 1024,
  mayBegin,
  congestion = () => undefined,
  ...options
}: {
  readonly keys?: SegmentKeys;
  readonly lookMs?: number;
  readonly ringBytes?: number;
  readonly mayBegin?: Promise<void>;
  readonly congestion?: () => Promise<void> | undefined;
} & Partial<WriteAheadOptions> = {}) {
  const [folder, clock, memory] = [accountFolder(), new FakeClock(), createRingMemory(ringBytes)];
  const events: MonitorEvent[] = [];
  const passed: RingRecord[] = [];
  const begun: SegmentWriter[] = [];
  /** Until then it looks at something. */
  let busyUntilMs = 0;
  const atMs = () => Math.max(clock.monotonicMs(), busyUntilMs);
  let underWay = 0;
  /** Counts what the disk is asked for as long as that takes. */
  async function counted<T>(task: Promise<T>): Promise<T> {
    underWay += 1;
    return task.finally(() => (underWay -= 1));
  }
  async function begin(from: CaptureState) {
    await mayBegin;
    const writer = await beginPreludeFile(
      { correlationId: 'session', redact: [], maxPayloadBytes: undefined, from },
      { folder, account: {}, sealer: await keys.last(), clock, owner: GONE },
    );
    begun.push(writer);
    const append: SegmentWriter['append'] = (records) => counted(writer.append(records));
    return {
      append,
      isKept: () => counted(writer.isKept()),
      close: () => counted(writer.close()),
      remove: () => counted(writer.remove()),
    };
  }
  const ahead = new WriteAhead({
    queueBytes: QUEUE_BYTES,
    secure: () => Promise.resolve(true),
    begin: (from) => counted(begin(from)),
    ...options,
  });
  onTestFinished(() => ahead.drop());
  const recorder = new Recorder({
    ring: new RingReader(memory),
    capture: startCapture((event) => {
      events.push(event);
      busyUntilMs = atMs() + lookMs;
    }),
    clock: {
      nowMs: () => clock.nowMs(),
      monotonicMs: atMs,
      schedule: (callback, delayMs) => clock.schedule(callback, atMs() - clock.monotonicMs() + delayMs),
    },
    onCaughtUp: () => undefined,
    congestion,
    ahead: () => ahead,
  });
  const writer = new RingWriter(memory);
  return {
    clock,
    events,
    passed,
    begun,
    recorder,
    ahead,
    /** Lets a piece of a stream pass. */
    pass(text: string, direction: Direction = 'outbound') {
      const nowMs = clock.nowMs();
      const each: RingRecord = {
        kind: 'bytes',
        direction,
        wallMs: nowMs,
        monotonicMs: nowMs,
        bytes: Buffer.from(text),
      };
      if (!writer.write(each)) return;
      passed.push(each);
      recorder.wake();
    },
    /** Lets time pass, and what the disk does in it come to its end. */
    async goOn(ms: number) {
      for (let left = ms; left > 0; left -= 10) {
        await clock.advance(Math.min(left, 10));
        await until(() => underWay === 0);
        // What waited for the disk goes on.
        await clock.advance(0);
      }
    },
    /** What another process makes of what is on the disk. */
    async recovered(): Promise<readonly MonitorEvent[]> {
      const all: MonitorEvent[] = [];
      for (const path of await listPreludes(folder)) {
        const prelude = await readPrelude(path, keys, clock.nowMs());
        if (prelude !== undefined && 'events' in prelude) all.push(...prelude.events);
      }
      return all;
    },
  };
}

/** What somebody who sees all of it makes of a stream. */
export function eventsOf(records: readonly RingRecord[]): readonly MonitorEvent[] {
  const events: MonitorEvent[] = [];
  const capture = startCapture((event) => events.push(event));
  for (const each of records) showTo(capture, each);
  return events;
}

/** So many lines, a few each 10 ms. */
export async function flow(session: ReturnType<typeof startRecording>, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 10) {
    for (let line = 0; line < 10; line += 1) session.pass(LINE);
    await session.goOn(10);
  }
}
