import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownIdentity, systemClock, type ProcessIdentity } from '@kilometers/auth';
import { expect, onTestFinished, test } from 'vitest';
import { Capture } from '../src/monitor/capture.js';

import type { MonitorEvent } from '../src/monitor/monitor-event.js';
import { Prelude } from '../src/monitor/prelude.js';
import { showTo } from '../src/monitor/recorder.js';
import type { RingRecord } from '../src/monitor/ring-record.js';
import { Backlog } from '../src/queue/backlog.js';
import type { PreludeDescription } from '../src/queue/prelude-description.js';
import { beginPreludeFile, listPreludes } from '../src/queue/prelude-file.js';
import { PreludeRecovery } from '../src/queue/recover-preludes.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { SegmentWriter } from '../src/queue/segment-writer.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, filesIn, newKeys, until } from './support/queue.js';

const account = { profile: 'default', origin: undefined };
/** A process that is over: no pid is so high. */
const GONE: ProcessIdentity = { ...ownIdentity(), pid: 2 ** 30 };

function bytesAt(text: string, atMs: number, direction: RingRecord['direction'] = 'outbound'): RingRecord {
  return {
    kind: 'bytes',
    direction,
    wallMs: 1_700_000_000_000 + atMs,
    monotonicMs: atMs,
    bytes: Buffer.from(text),
  };
}

const STREAM: readonly RingRecord[] = [
  bytesAt('{"id":1,"method":"tools/list"}\n{"id":2,"meth', 0),
  bytesAt('od":"ping","params":{"password":"hunter2"}}\r\n', 1),
  bytesAt('{"id":1,"result":{}}\n', 2, 'inbound'),
  bytesAt('{"id":2,"result":{}}\n{"id":3,', 3, 'inbound'),
];

/** What a thread that lives makes of the same stream. */
function captured(records: readonly RingRecord[]): readonly MonitorEvent[] {
  const events: MonitorEvent[] = [];
  const capture = new Capture({
    correlationId: 'session',
    notify: () => undefined,
    onEvent: (event) => events.push(event),
  });
  for (const record of records) showTo(capture, record);
  return events;
}

function start(owner = GONE, redact: PreludeDescription['redact'] = []) {
  const folder = accountFolder();
  const keys = newKeys();
  const clock = new FakeClock();
  const prelude = new Prelude({
    clock,
    queueBytes: 256 * 1024 * 1024,
    begin: async () =>
      beginPreludeFile(
        { correlationId: 'session', redact, maxPayloadBytes: undefined },
        { folder, account, sealer: await keys.current(), clock, owner },
      ),
  });
  return { folder, keys, clock, prelude };
}

async function recovered(
  folder: string,
  keys: SegmentKeys,
  told: string[] = [],
): Promise<readonly MonitorEvent[]> {
  const recovery = new PreludeRecovery({
    folder,
    account,
    keys,
    clock: systemClock,
    maxSegmentBytes: 4 * 1024 * 1024,
    makeRoom: () => Promise.resolve(true),
    onTrouble: (message) => told.push(message),
  });
  while (await recovery.step());
  const backlog = new Backlog({
    folder,
    keys,
    clock: systemClock,
    onTrouble: (message) => told.push(message),
  });
  onTestFinished(() => backlog.close());
  await backlog.refresh();
  const events: MonitorEvent[] = [];
  for (let next = await backlog.take(); next !== undefined; next = await backlog.take())
    events.push(next.event);
  return events;
}

test('what passed before a session was killed becomes the same events, with the same ids, as if it lived', async () => {
  const { prelude, clock, folder, keys } = start();
  for (const record of STREAM) prelude.note(record);
  await clock.advance(110);
  onTestFinished(() => prelude.leave().then(() => undefined));
  const path = (await until(async () => (await listPreludes(folder))[0])) ?? '';
  await until(() => readFileSync(path).length > 600);
  expect(readFileSync(path, 'latin1')).not.toContain('hunter2');
  const events = await recovered(folder, keys);
  expect(events).toEqual(captured(STREAM));
  expect(events.map(({ method }) => method)).toEqual(['tools/list', 'ping', 'tools/list', 'ping']);
  expect(await listPreludes(folder)).toEqual([]);
});

test('fields that are to be redacted are, in another process too', async () => {
  const { prelude, folder, keys } = start(GONE, [['params', 'password']]);
  for (const record of STREAM) prelude.note(record);
  expect(await prelude.leave()).toBe(true);
  const events = await recovered(folder, keys);
  expect(events.map(({ payload }) => payload.toString()).join()).toContain('"password":"[redacted]"');
});

test('nothing is written where what passed is safe soon enough, and nothing is left where it is safe later', async () => {
  const { prelude, clock, folder } = start();
  for (const record of STREAM) prelude.note(record);
  await clock.advance(90);
  await prelude.drop();
  await clock.advance(150);
  expect(filesIn(folder)).toEqual([]);

  const late = start();
  for (const record of STREAM) late.prelude.note(record);
  await late.clock.advance(150);
  await until(() => listPreludes(late.folder).then((paths) => paths.length > 0));
  await late.prelude.drop();
  expect(filesIn(late.folder)).toEqual([]);
});

test('that of a session that goes on is left to it', async () => {
  const { prelude, folder, keys } = start(ownIdentity());
  for (const record of STREAM) prelude.note(record);
  await prelude.leave();
  expect(await recovered(folder, keys)).toEqual([]);
  expect(await listPreludes(folder)).toHaveLength(1);
});

test.each([
  ['not where it is removed', (path: string) => unlinkSync(path), false],
  [
    'also where it was taken into another folder',
    (path: string) => renameSync(path, `${path}.elsewhere`),
    true,
  ],
])('what it wrote is all there: %s', async (_, change, isWhole) => {
  const { prelude, clock, folder } = start();
  for (const record of STREAM) prelude.note(record);
  await clock.advance(110);
  change((await until(async () => (await listPreludes(folder))[0])) ?? '');
  for (const record of STREAM) prelude.note(record);
  expect(await prelude.leave()).toBe(isWhole);
});

test('a disk that fails as what is not needed any more is removed ends nothing', async () => {
  const file = {
    append: () => Promise.resolve([]),
    isKept: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
  const remove = () => Promise.reject(new Error('EDQUOT'));
  const clock = new FakeClock();
  const begin = () => Promise.resolve({ ...file, remove });
  const prelude = new Prelude({ clock, queueBytes: 256 * 1024 * 1024, begin });
  prelude.note(bytesAt('{', 0));
  await clock.advance(110);
  await expect(prelude.drop()).resolves.toBeUndefined();
});

test('it keeps 16 MiB, and says that more is not there', async () => {
  const { prelude, folder, keys } = start();
  const line = `{"method":"note","params":"${'x'.repeat(999_999)}"}\n`;
  for (let n = 0; n < 20; n += 1) prelude.note(bytesAt(line, n));
  expect(await prelude.leave()).toBe(false);
  expect(await recovered(folder, keys)).toHaveLength(16);
});

test('cut off or changed anywhere, it gives what opens of it, is set aside, and harms nothing', async () => {
  const { prelude, folder, keys } = start();
  for (const record of STREAM) prelude.note(record);
  await prelude.leave();
  const [path = ''] = await listPreludes(folder);
  const whole = readFileSync(path);
  const all = new Set(captured(STREAM).map(({ id }) => id));
  for (let at = 0; at < whole.length; at += 7) {
    const told: string[] = [];
    const again = accountFolder();
    await SegmentWriter.create({
      folder: again,
      sealer: await keys.current(),
      purpose: 'queue of events',
      description: account,
      clock: systemClock,
    }).then((writer) => writer.remove());
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x40;
    writeFileSync(
      join(again, '000000000000001-0123456789ab.prelude'),
      at % 2 === 0 ? changed : whole.subarray(0, at),
      {
        mode: 0o600,
      },
    );
    for (const { id } of await recovered(again, keys, told)) expect(all.has(id)).toBe(true);
  }
});
