import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createFileCache } from '@kilometers/auth';
import { expect, onTestFinished, test } from 'vitest';
import type { EventBatch } from '../src/monitor/monitor-event.js';
import type { AccountAccess } from '../src/queue/account-access.js';
import { DrainLease } from '../src/queue/drain-lease.js';
import { openEventQueue } from '../src/queue/event-queue.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { accountFolderName, type QueueAccount } from '../src/queue/state-folder.js';
import { contextWith, temporaryFolder } from './support/context.js';
import { eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';
import { until } from './support/queue.js';
import { DELIVERED, diskAtRest, ids, LOGGED_OUT } from './support/queue-process.js';

const FIRST: QueueAccount = { profile: 'default', origin: 'https://first.example' };
const UNDECIDED: QueueAccount = { profile: 'default', origin: undefined };
const OTHER: QueueAccount = { profile: 'default', origin: 'https://other.example' };

/** A process whose events cannot be written and whose account refuses its credential, until somebody logs in elsewhere. */
async function startAs(account: QueueAccount, environment: Readonly<Record<string, string>>) {
  const [folder, clock] = [temporaryFolder(), new FakeClock()];
  const state = join(folder, 'state');
  writeFileSync(state, 'no folder');
  const context = contextWith(
    { KM_CONFIG_DIR: folder, XDG_STATE_HOME: state, ...environment },
    { clock, onExit: () => undefined },
  );
  const files = createFileCache({ folder, environment: {} });
  await files.recordSealer();
  const sent: EventBatch[] = [];
  const login = { account, isIn: false };
  /** What else happens while the account changes. */
  const meanwhile = { onLogin: () => undefined as unknown, onAdoption: () => undefined as unknown };
  const access = {
    get account() {
      return login.account;
    },
    flags: {},
    storage: { files, folder },
    isAdopting() {
      meanwhile.onAdoption();
      return Promise.resolve(true);
    },
    lookAgain() {
      if (login.isIn) login.account = OTHER;
      if (login.isIn) meanwhile.onLogin();
      return Promise.resolve(login.isIn);
    },
    send(batch: EventBatch) {
      if (login.account !== OTHER) return Promise.resolve(LOGGED_OUT);
      sent.push(batch);
      return Promise.resolve(DELIVERED);
    },
  } as unknown as AccountAccess;
  const folderOf = (of: QueueAccount) => join(state, 'kilometers', 'queue', accountFolderName(of, folder));
  const queue = await openEventQueue({ access, correlationId: 'session', notify: () => undefined }, context);
  queue.start();
  const passUntil = (isSo: () => boolean | Promise<boolean>) =>
    until(async () => {
      await clock.advance(200);
      await diskAtRest();
      return isSo();
    });
  /** Lets so many seconds pass. */
  async function pass(seconds: number): Promise<void> {
    for (let n = 0; n < seconds * 5; n += 1) await passUntil(() => true);
  }
  async function finish() {
    const finished = queue.finish(0);
    let isOver = false;
    void finished.finally(() => (isOver = true));
    await passUntil(() => isOver);
    return finished;
  }
  onTestFinished(() => finish().then(() => undefined));
  return {
    queue,
    meanwhile,
    pass,
    passUntil,
    finish,
    add: (from: number, to: number) => {
      for (const id of ids(from, to)) queue.add(eventNamed(id));
    },
    sentIds: () => sent.flatMap(({ events }) => events.map(({ id }) => id)),
    logIn: () => (login.isIn = true),
    freed() {
      rmSync(state);
      mkdirSync(state, { mode: 0o700 });
    },
    waitingFor: (of: QueueAccount) => countWaiting(folderOf(of)),
    /** Another process begins to deliver for an account. */
    async deliverElsewhere(of: QueueAccount) {
      const lease = new DrainLease({ folder: folderOf(of), clock, random: () => 1 });
      expect(await lease.take()).toBe(true);
      onTestFinished(() => lease.release());
    },
  };
}

const NO_QUEUE = { KM_QUEUE_MAX_BYTES: '0' };

test.each([
  ['where no queue is kept', NO_QUEUE],
  ['where the disk takes nothing', {}],
])('what was captured for one API is not sent to the one of a later login, %s', async (_, environment) => {
  const run = await startAs(FIRST, environment);
  run.add(0, 3);
  await run.pass(6);
  run.logIn();
  await run.pass(12);
  run.add(3, 6);
  await run.passUntil(() => run.sentIds().length === 3);
  expect(run.sentIds()).toEqual(ids(3, 6));
  expect(await run.finish()).toMatchObject({ lost: 3 });
});

test('it is written for that API once the disk takes it', async () => {
  const run = await startAs(FIRST, {});
  run.add(0, 3);
  await run.pass(6);
  run.logIn();
  await run.pass(12);
  run.freed();
  await run.passUntil(async () => (await run.waitingFor(FIRST)) === 3);
  expect(run.sentIds()).toEqual([]);
  expect(await run.finish()).toEqual({ undelivered: 3, lost: 0 });
});

test.each([
  ['where no queue is kept', NO_QUEUE],
  ['where the disk takes nothing', {}],
])(
  'what was captured before anything said which API is meant goes to that of the login, %s',
  async (_, environment) => {
    const run = await startAs(UNDECIDED, environment);
    run.add(0, 3);
    await run.pass(6);
    run.logIn();
    run.add(3, 6);
    await run.passUntil(() => run.sentIds().length === 6);
    expect(run.sentIds()).toEqual(ids(0, 6));
  },
);

test.each(['onLogin', 'onAdoption'] as const)(
  'what is captured while it goes to the account of the login comes after it: %s',
  async (when) => {
    const run = await startAs(UNDECIDED, {});
    run.add(0, 3);
    await run.pass(6);
    let count = 3;
    run.meanwhile[when] = async () => {
      for (let n = 0; n < 5; n += 1) {
        run.add(count, count + 1);
        count += 1;
        await turn();
      }
    };
    run.logIn();
    await run.passUntil(() => count > 3 && run.sentIds().length === count);
    expect(run.sentIds()).toEqual(ids(0, count));
  },
);

test.each([
  ['goes with the login', UNDECIDED, 'onAdoption'],
  ['stays behind', FIRST, 'onLogin'],
] as const)('what is in memory is not called safe while the account changes: it %s', async (_, of, when) => {
  const run = await startAs(of, {});
  run.add(0, 3);
  await run.pass(6);
  const answers: boolean[] = [];
  run.meanwhile[when] = async () => {
    for (let n = 0; n < 100 && run.sentIds().length === 0; n += 1) answers.push(await run.queue.secure());
  };
  run.logIn();
  await run.passUntil(() => answers.length > 0);
  await run.pass(12);
  expect(answers).not.toContain(true);
});

test.each([
  ['waits for the account before', FIRST, false, 3],
  ['is about to be delivered by another process', FIRST, true, 0],
  ['went to the account of the login', UNDECIDED, false, 0],
] as const)('at the end that is counted which %s', async (_, of, isElsewhere, undelivered) => {
  const run = await startAs(of, {});
  run.freed();
  run.add(0, 3);
  await run.pass(1);
  run.logIn();
  await run.pass(12);
  run.add(3, 6);
  await run.passUntil(() => run.sentIds().includes('event-5'));
  if (isElsewhere) await run.deliverElsewhere(of);
  expect(await run.finish()).toEqual({ undelivered, lost: 0 });
});

test('what was captured before anything said which API is meant comes first, also where another process delivers by then', async () => {
  const run = await startAs(UNDECIDED, {});
  run.freed();
  run.add(0, 3);
  await run.passUntil(async () => (await run.waitingFor(UNDECIDED)) === 3);
  await run.deliverElsewhere(OTHER);
  run.logIn();
  await run.passUntil(async () => (await run.waitingFor(OTHER)) > 0);
  expect(await run.waitingFor(OTHER)).toBe(3);
  expect(await run.waitingFor(UNDECIDED)).toBe(0);
  run.add(3, 6);
  await run.passUntil(async () => (await run.waitingFor(OTHER)) === 6);
});
