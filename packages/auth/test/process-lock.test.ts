import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProcessLock } from '../src/index.js';
import { fakeClock, type FakeClock } from './support/fake-clock.js';

let folder: string;
const lockOn = (clock: FakeClock, stalledAfterMs?: number) =>
  createProcessLock({
    folder: join(folder, 'lock'),
    what: 'the queue',
    random: () => 0.5,
    clock,
    ...(stalledAfterMs === undefined ? {} : { stalledAfterMs }),
  });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'km-process-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('one has it, another does not wait for it, and gets it when it is released', async () => {
  const clock = fakeClock();
  const held = await lockOn(clock).tryAcquire();

  expect(await lockOn(clock).tryAcquire()).toBeUndefined();
  expect(await lockOn(clock).owner()).toContain(`process ${String(process.pid)}`);
  await held?.release();
  expect(await lockOn(clock).owner()).toBeUndefined();
  const next = await lockOn(clock).tryAcquire();
  expect(await next?.isOurs()).toBe(true);
  await next?.release();
});

test('an owner that lives but stands still is followed where that was asked for, and can find out', async () => {
  // The owner's clock stands: its heart does not beat.
  const held = await lockOn(fakeClock()).tryAcquire();
  const clock = fakeClock();
  const [patient, waiting] = [lockOn(clock), lockOn(clock, 5_000)];
  const look = async () => {
    clock.sleepMachine(2_000);
    await clock.advance(2_000);
    return { patient: await patient.tryAcquire(), waiting: await waiting.tryAcquire() };
  };

  expect(await held?.isOurs()).toBe(true);
  // A look counts for half a second at most: who was stopped itself saw nothing meanwhile.
  for (let looks = 0; looks < 10; looks += 1) expect(await look()).toEqual({});
  const { patient: none, waiting: follower } = await look();
  expect(none).toBeUndefined();
  expect(await follower?.isOurs()).toBe(true);
  expect(await held?.isOurs()).toBe(false);
  await held?.release();
  expect(await follower?.isOurs()).toBe(true);
  expect(await waiting.tryAcquire()).toBeUndefined();
  await follower?.release();
});

test('an owner whose heart beats is never followed', async () => {
  const clock = fakeClock();
  const owner = lockOn(clock, 5_000);
  const held = await owner.tryAcquire();
  const waiting = lockOn(clock, 5_000);
  for (let looks = 0; looks < 60; looks += 1) {
    await clock.advance(1_100);
    expect(await waiting.tryAcquire()).toBeUndefined();
  }
  await held?.release();
});

test('a folder that cannot be made is an error that says so', async () => {
  const lock = createProcessLock({ folder: '/dev/null/lock', what: 'the queue', random: () => 0.5 });
  await expect(lock.tryAcquire()).rejects.toMatchObject({ code: 'KM_AUTH_CACHE' });
});
