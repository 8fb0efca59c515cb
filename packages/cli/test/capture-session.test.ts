import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RingWriter } from '../src/monitor/capture-ring.js';
import { createRingMemory } from '../src/monitor/ring-memory.js';
import { CaptureSession } from '../src/monitor/capture-session.js';
import type { ThreadReport } from '../src/monitor/capture-thread.js';
import { surveyQueue } from '../src/queue/queue-survey.js';
import { queuePlace } from '../src/queue/queue-place.js';
import { openStorage } from '../src/token-cache.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { FakeClock } from './support/fake-clock.js';
import { filesIn, until } from './support/queue.js';
import { diskAtRest } from './support/queue-process.js';

/** So long what has to come is waited for: longer than a busy machine takes. */
const PATIENCE_MS = 50_000;
/** So long after it was found wrong a file has been looked at again. */
const LOOK_AGAIN_MS = 10_000;

/** A session whose config.json cannot be read until `correct` is called; nobody is logged in. */
function startSession({ isPreludeWhole = true, isAskedToSecure = true } = {}) {
  const folder = temporaryFolder();
  const path = join(folder, 'config.json');
  writeFileSync(path, '{', { mode: 0o600 });
  const [clock, memory] = [new FakeClock(), createRingMemory(64 * 1024 * 1024)];
  const context = contextWith(
    { KM_CONFIG_DIR: folder, HOME: folder },
    {
      clock,
      onExit: () => undefined,
      prompt: () => undefined,
      fetch: () => Promise.reject(new Error('down')),
    },
  );
  const reports: ThreadReport['type'][] = [];
  const session = new CaptureSession(
    {
      ring: memory,
      version: '0.0.0',
      bundleFolder: '/nowhere',
      isDebug: false,
      flags: {},
      correlationId: 'session',
      isLocal: false,
      maxPayloadBytes: undefined,
      redact: [],
      logFd: undefined,
      isVerbose: false,
      hasSummary: false,
    },
    context,
    ({ type }) => {
      reports.push(type);
      if (type === 'ready' && isAskedToSecure) void session.secure();
      if (type === 'keep') session.kept(isPreludeWhole);
    },
  );
  onTestFinished(() =>
    passUntilSettled(session.finish({ exitCode: 0, timeLimitMs: 3_000 })).then(() => undefined),
  );
  const writer = new RingWriter(memory);
  let wallMs = clock.nowMs();

  async function passUntilSettled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    void promise.finally(() => (isOver = true));
    await passUntil(() => isOver);
    return promise;
  }

  async function passUntil(isSo: () => boolean): Promise<void> {
    const endsAtMs = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (performance.now() > endsAtMs) throw new Error(`in vain: ${String(isSo)}`);
      await clock.advance(10);
      await diskAtRest();
    }
  }

  function passAtOnce(count: number, bytes: number): void {
    for (let n = 0; n < count; n += 1) {
      const line = Buffer.from(`{"method":"note","params":"${'x'.repeat(bytes)}"}\n`);
      wallMs += 1;
      expect(
        writer.write({ kind: 'bytes', direction: 'outbound', wallMs, monotonicMs: 0, bytes: line }),
      ).toBe(true);
    }
    session.wake();
  }

  return {
    clock,
    context,
    reports,
    session,
    passUntil,
    passUntilSettled,
    passAtOnce,
    /** Lets so many messages of this many bytes pass, until they were looked at. */
    async pass(count: number, bytes: number) {
      passAtOnce(count, bytes);
      await passUntil(() => writer.usedBytes === 0);
    },
    queueFiles: () => {
      const root = queuePlace(context, openStorage(context))?.root ?? '';
      return filesIn(root).reduce((sum, name) => sum + filesIn(join(root, name)).length, 0);
    },
    correct: () => writeFileSync(path, '{}', { mode: 0o600 }),
    async waiting() {
      const place = queuePlace(context, openStorage(context));
      if (place === undefined) return 0;
      const surveys = await surveyQueue(place, context);
      return surveys.reduce((sum, { waiting }) => sum + waiting, 0);
    },
  };
}

test('what passed before anybody could tell whose it is goes to the disk whole, once that can be told', async () => {
  const run = startSession();
  await run.pass(20_000, 1_000);
  run.correct();
  await run.passUntil(() => run.reports.includes('secured'));
  expect(await run.waiting()).toBe(20_000);
  expect(run.context.told.filter((line) => line.includes('given up'))).toEqual([]);
}, 60_000);

test('it takes over from the prelude once all that passed before is on the disk', async () => {
  const run = startSession({ isAskedToSecure: false });
  await run.pass(20_000, 1_000);
  run.correct();
  await run.clock.advance(LOOK_AGAIN_MS);
  await until(() => run.queueFiles() > 0);
  run.passAtOnce(1_000, 1_000);
  expect(run.reports).not.toContain('ready');
  await run.passUntil(() => run.reports.includes('ready'));
  expect(await run.waiting()).toBe(21_000);
}, 60_000);

test('what memory had no room for meanwhile is not called safe: what passed at first is left to a later km', async () => {
  const run = startSession();
  await run.pass(40_000, 1_000);
  run.correct();
  await run.passUntil(() => run.reports.includes('ready'));
  const readyAtMs = run.context.clock.nowMs();
  await run.passUntil(() => run.context.clock.nowMs() > readyAtMs + 3_000);
  expect(run.reports).not.toContain('secured');
  const isSafe = await run.passUntilSettled(run.session.finish({ exitCode: 0, timeLimitMs: 3_000 }));
  expect(isSafe).toBe(false);
  expect(run.reports).toContain('keep');
}, 60_000);

test.each([
  ['its file is looked at again', { isOpen: false, isUrgent: false }],
  ['the disk takes what waited', { isOpen: true, isUrgent: false }],
  ['the disk takes what waited, in a hurry,', { isOpen: true, isUrgent: true }],
])(
  'a session that ends while %s loses nothing: the disk takes the rest first',
  async (_, { isOpen, isUrgent }) => {
    const run = startSession({ isPreludeWhole: false });
    await run.pass(20_000, 1_000);
    run.correct();
    await run.clock.advance(LOOK_AGAIN_MS);
    if (isOpen) await until(() => run.queueFiles() > 0);
    expect(run.reports).not.toContain('ready');
    if (isUrgent) run.session.hurry();
    const isSafe = await run.passUntilSettled(run.session.finish({ exitCode: 0, timeLimitMs: 3_000 }));
    expect(run.context.told.filter((line) => line.includes('lost'))).toEqual([]);
    expect(isSafe).toBe(true);
    expect(await run.waiting()).toBe(20_000);
  },
  60_000,
);
