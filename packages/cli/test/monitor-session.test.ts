import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { sourceOf } from '../src/monitor/byte-source.js';
import { LastOutput } from '../src/monitor/last-output.js';
import { MonitorSession } from '../src/monitor/monitor-session.js';
import type { ServerEnding, ServerProcess } from '../src/monitor/server-process.js';
import { FakeClock } from './support/fake-clock.js';

/** A session whose server has ended with everyone of its group, while another still holds its output. */
function startSession(isRead = true) {
  const clock = new FakeClock();
  const [said, heard] = [new PassThrough(), new PassThrough()];
  if (isRead) heard.resume();
  let exit: (ending: ServerEnding) => void = () => undefined;
  const server = {
    stdin: new PassThrough(),
    output: sourceOf(said),
    exited: new Promise<ServerEnding>((resolve) => (exit = resolve)),
    signal: () => undefined,
    signalGroup: () => false,
  };
  const session = new MonitorSession({
    server: server as unknown as ServerProcess,
    client: { input: sourceOf(new PassThrough()), output: heard },
    feed: { see: () => true, end: () => undefined, awaitedAnswers: 0 },
    clock,
    lastOutput: new LastOutput(clock),
    tell: () => undefined,
  });
  const startedAtMs = clock.monotonicMs();
  const ended = { atMs: NaN };
  exit({ code: 0 });
  void session.ended().then(() => (ended.atMs = clock.monotonicMs() - startedAtMs));
  /** The other goes on to write, ten times a second. */
  async function pass(ms: number, bytes = 1): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      if (!said.destroyed) said.write(Buffer.alloc(bytes));
      await clock.advance(100);
    }
  }
  return { session, heard, ended, pass };
}

test('the end does not wait for one outside of the group that goes on to write', async () => {
  const { ended, pass } = startSession();
  await pass(4_900);
  expect(ended.atMs).toBeNaN();
  await pass(300);
  expect(ended.atMs).toBeGreaterThanOrEqual(5_000);
});

test('a signal ends that wait at once', async () => {
  const { session, ended, pass } = startSession();
  await pass(1_000);
  session.forward('SIGUSR1');
  await pass(1_000);
  expect(ended.atMs).toBeNaN();
  session.forward('SIGTERM');
  await pass(700);
  expect(ended.atMs).toBeGreaterThan(2_000);
});

test('a client that is slow has all that a pipe holds', async () => {
  const { heard, ended, pass } = startSession(false);
  await pass(10_000, 10_000);
  expect(ended.atMs).toBeNaN();
  heard.resume();
  await pass(1_000);
  expect(ended.atMs).toBeGreaterThan(10_000);
});

test('what is more than a pipe holds is of another, however slow the client is', async () => {
  const clock = new FakeClock();
  const last = new LastOutput(clock);
  last.begin();
  const follower = last.follow();
  expect(follower.look(1_000, 10)).toEqual({ quietMs: 0, isOver: false });
  await clock.advance(10_000);
  expect(follower.look(2_000, 10).isOver).toBe(false);
  expect(follower.look(2_000_000, 10).isOver).toBe(true);
});
