import { mkdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { ownIdentity, systemClock } from '@kilometers/auth';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Backlog } from '../src/queue/backlog.js';
import { beginPreludeFile, listPreludes } from '../src/queue/prelude-file.js';
import { PreludeRecovery } from '../src/queue/recover-preludes.js';
import { countEvents } from '../src/queue/segment-folder.js';
import { segmentPath } from '../src/queue/segment-name.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, beginSegment, eventAt, filesIn, newKeys, until } from './support/queue.js';
import { ids, once, startProcess } from './support/queue-process.js';

const UNREADABLE = '000000000000001-000000000000.closed';
const account = { profile: 'default', origin: undefined };
const session = { correlationId: 'session', redact: [], maxPayloadBytes: undefined };

/** A folder can be opened, and not read: so does a file that the disk cannot read any more. */
function leaveUnreadable(folder: string): void {
  mkdirSync(join(folder, UNREADABLE), { recursive: true });
}

test('a segment that the disk cannot read keeps nothing else from its turn, stays, and is told once', async () => {
  const run = await startProcess();
  const { folder = '', keys } = run;
  await beginSegment(folder, keys, [eventAt('of another', 2_000, 'other')]);
  leaveUnreadable(folder);
  run.delivery.start();
  run.add(...ids(0, 3));
  await run.passUntil(() => once(run.batches).length === 4);
  await run.pass(60_000);
  expect(filesIn(folder)).toContain(UNREADABLE);
  const troubles = run.notices.filter((notice) => notice.type === 'queue.trouble');
  expect(troubles).toHaveLength(1);
  expect(troubles[0]?.message).toMatch(/cannot be read, and waits: .*: EISDIR/);
});

test('a segment that could not be read for a while is delivered once it can be', async () => {
  const run = await startProcess();
  const { folder = '', keys } = run;
  leaveUnreadable(folder);
  run.delivery.start();
  run.add(...ids(0, 3));
  await run.passUntil(() => once(run.batches).length === 3);
  rmSync(join(folder, UNREADABLE), { recursive: true });
  const writer = await beginSegment(folder, keys, [eventAt('late', 1_000, 'other')]);
  renameSync(segmentPath(writer.file), join(folder, UNREADABLE));
  await run.passUntil(() => once(run.batches).includes('late'));
});

test('what is closed while it is read is no trouble', async () => {
  const [folder, keys] = [accountFolder(), newKeys()];
  for (const id of ids(0, 20)) {
    const large = { ...eventAt(id, 1_000, id), payload: Buffer.alloc(100_000) };
    await (await beginSegment(folder, keys, [large])).close();
  }
  const troubles: string[] = [];
  const onTrouble = (message: string) => troubles.push(message);
  for (let round = 0; round < 20; round += 1) {
    const backlog = new Backlog({ folder, keys, clock: systemClock, onTrouble });
    const looking = backlog.refresh().catch(() => undefined);
    for (let turns = 0; turns < 10 + round; turns += 1) await turn();
    await backlog.close();
    await looking;
    await backlog.close();
  }
  expect(troubles).toEqual([]);
});

test('a file that is given up and cannot be counted is no trouble', async () => {
  const folder = accountFolder();
  leaveUnreadable(folder);
  expect(await countEvents(join(folder, UNREADABLE))).toBe(0);
});

test('what the disk did not take is told of at the next write', async () => {
  const [folder, clock] = [accountFolder(), new FakeClock()];
  const writer = await beginSegment(folder, newKeys(), [eventAt('a', 1)], clock);
  const handle = await open(folder, 'r');
  onTestFinished(() => handle.close());
  const sync = vi
    .spyOn(Object.getPrototypeOf(handle) as typeof handle, 'datasync')
    .mockRejectedValueOnce(new Error('EIO'));
  onTestFinished(() => sync.mockRestore());
  await clock.advance(200);
  await until(() => sync.mock.results.length > 0);
  await expect(writer.append([])).rejects.toThrow('EIO');
});

test('a prelude that was moved is emptied where its session removes it', async () => {
  const [folder, elsewhere, keys] = [accountFolder(), accountFolder(), newKeys()];
  const writer = await beginPreludeFile(session, {
    ...{ folder, account, clock: systemClock },
    sealer: await keys.current(),
  });
  await writer.append([{ head: '{}', body: Buffer.alloc(1_000) }]);
  mkdirSync(elsewhere, { recursive: true });
  const [path = ''] = await listPreludes(folder);
  const moved = join(elsewhere, path.slice(folder.length));
  renameSync(path, moved);
  await writer.remove();
  expect(statSync(moved).size).toBe(0);
  utimesSync(moved, 1, 1);
  const recovery = new PreludeRecovery({
    ...{ folder: elsewhere, account, keys, clock: systemClock, maxSegmentBytes: 100_000 },
    makeRoom: () => Promise.resolve(true),
    onTrouble: (message) => expect.fail(message),
  });
  expect(await recovery.step()).toBe(false);
  expect(await listPreludes(elsewhere)).toEqual([]);
});

test('a prelude of a time that is still to come is one of a session that is over', async () => {
  const [folder, keys] = [accountFolder(), newKeys()];
  // On a machine that tells nothing of processes.
  const owner = { ...ownIdentity(), bootId: undefined };
  const writer = await beginPreludeFile(session, {
    ...{ folder, account, owner, clock: systemClock },
    sealer: await keys.current(),
  });
  await writer.append([{ head: '{}', body: Buffer.alloc(0) }]);
  await writer.close();
  const [path = ''] = await listPreludes(folder);
  const nextYear = Date.now() / 1_000 + 365 * 86_400;
  utimesSync(path, nextYear, nextYear);
  const recovery = new PreludeRecovery({
    ...{ folder, account, keys, clock: systemClock, maxSegmentBytes: 100_000 },
    makeRoom: () => Promise.resolve(true),
    onTrouble: () => undefined,
  });
  while (await recovery.step());
  expect(await listPreludes(folder)).toEqual([]);
});
