import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { listPreludes, movePreludes } from '../src/queue/prelude-file.js';
import { surveyQueue } from '../src/queue/queue-survey.js';
import { giveUpFile, listSegments, moveSegment } from '../src/queue/segment-folder.js';
import type { SegmentKeys } from '../src/queue/segment-keys.js';
import { FakeClock } from './support/fake-clock.js';
import { accountFolder, filesIn, newKeys } from './support/queue.js';
import { DELIVERED, DOWN, LOGGED_OUT, once, startProcess } from './support/queue-process.js';
import { leavePrelude } from './support/left-prelude.js';

const bytesIn = (folder: string) =>
  filesIn(folder).reduce(
    (bytes, name) => bytes + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

const noteIn = (folder: string) => {
  const [name = 'none'] = readdirSync(folder).filter((each) => each.endsWith('.made'));
  return join(folder, name);
};

const isInOrder = (ids: readonly string[]) => {
  const places = ids.map((id) => Number.parseInt(id.slice(-12), 16));
  return places.every((place, n) => n === 0 || place > (places[n - 1] ?? 0));
};

type Place = { readonly folder: string; readonly keys: SegmentKeys };

/** A session that ends after so many batches; with those that the API has. */
async function deliverSome(place: Place, count = 15): Promise<readonly (readonly string[])[]> {
  const run = await startProcess({ ...place, script: [...Array<SendOutcome>(count).fill(DELIVERED), DOWN] });
  run.delivery.start();
  await run.passUntil(() => run.batches.length > count || filesIn(place.folder).length === 0);
  await run.end();
  return run.batches.slice(0, count);
}

/** What is left of a prelude of 20,000 events after a session that ended before it was delivered. */
async function leaveHalf() {
  const place = { folder: accountFolder(), keys: newKeys() };
  await leavePrelude(place.folder, place.keys, 20_000);
  return { ...place, sent: [...(await deliverSome(place))] };
}

async function deliverRest(place: Place): Promise<readonly (readonly string[])[]> {
  const run = await startProcess(place);
  run.delivery.start();
  await run.passUntil(() => filesIn(place.folder).length === 0);
  return run.batches;
}

const noted = (text: string) => (JSON.parse(text) as { readonly events: number }).events;

describe('what was made of a prelude', () => {
  test('is not made again while nobody is logged in, however often it is looked at', async () => {
    const [folder, keys] = [accountFolder(), newKeys()];
    await leavePrelude(folder, keys, 20_000);
    const script: SendOutcome[] = [...Array<SendOutcome>(12).fill(DELIVERED), LOGGED_OUT];
    const run = await startProcess({ folder, keys, script });
    run.delivery.start();
    await run.passUntil(() => run.batches.length > 12);
    const before = bytesIn(folder);
    await run.passUntil(() => run.batches.length > 15);
    expect(bytesIn(folder)).toBe(before);
    script.splice(0, script.length, DELIVERED);
    await run.passUntil(() => filesIn(folder).length === 0);
    expect(once(run.batches)).toHaveLength(20_000);
    expect(isInOrder(once(run.batches))).toBe(true);
  }, 60_000);

  test('is not made again by sessions that are shorter than the delivery: each gets on', async () => {
    const { sent, ...place } = await leaveHalf();
    const fresh: number[] = [];
    for (let sessions = 0; sessions < 3; sessions += 1) {
      const known = once(sent).length;
      sent.push(...(await deliverSome(place)));
      fresh.push(once(sent).length - known);
    }
    expect(Math.min(...fresh)).toBeGreaterThan(4_000);
    sent.push(...(await deliverRest(place)));
    expect(sent.flat()).toHaveLength(20_000);
    expect(once(sent)).toHaveLength(20_000);
    expect(isInOrder(once(sent))).toBe(true);
  }, 60_000);

  test('is made once more at most where its process was killed before it noted it', async () => {
    const { sent, ...place } = await leaveHalf();
    const note = noteIn(place.folder);
    const older = readFileSync(note, 'utf8');
    sent.push(...(await deliverSome(place)));
    const again = noted(readFileSync(note, 'utf8')) - noted(older);
    expect(again).toBeGreaterThan(0);
    writeFileSync(note, older);
    sent.push(...(await deliverRest(place)));
    expect(once(sent)).toHaveLength(20_000);
    expect(isInOrder(once(sent))).toBe(true);
    expect(sent.flat()).toHaveLength(20_000 + again);
  }, 60_000);

  test('is known as well where somebody logs in, and the account that is meant takes it', async () => {
    const { sent, ...place } = await leaveHalf();
    const folder = accountFolder();
    mkdirSync(folder, { recursive: true });
    for (const segment of await listSegments(place.folder)) await moveSegment(segment, folder);
    await movePreludes(place.folder, folder);
    expect(filesIn(place.folder)).toEqual(['next-try.json']);
    sent.push(...(await deliverRest({ ...place, folder })));
    expect(sent.flat()).toHaveLength(20_000);
    expect(once(sent)).toHaveLength(20_000);
  }, 60_000);

  test('is counted no more as what waits, and no more the oldest of it', async () => {
    const { folder, keys, sent } = await leaveHalf();
    const context = { clock: new FakeClock(), random: () => 1 };
    const [survey] = await surveyQueue({ root: dirname(folder), keys }, context);
    const delivered = once(sent).length;
    expect(survey?.waiting).toBe(20_000 - delivered);
    // They are 500 to a record, each of which has a time of its own.
    expect(survey?.oldestAtMs).toBe(1_000 + Math.floor(delivered / 500) * 500);
  }, 60_000);

  test('is not counted as lost where the rest of it is given up', async () => {
    const { folder } = await leaveHalf();
    const [prelude = ''] = await listPreludes(folder);
    // It has 40 records, of 500 events each.
    expect(await giveUpFile(prelude)).toBeLessThan(35);
    expect(filesIn(folder).filter((name) => name.endsWith('.made'))).toEqual([]);
  }, 60_000);

  test.each([7, 1_000_000])(
    'is made again where it is not the same by now, as if there had been %i more: no event is left out',
    async (more) => {
      const { sent, ...place } = await leaveHalf();
      const note = noteIn(place.folder);
      const text = readFileSync(note, 'utf8');
      writeFileSync(note, text.replace(/"events":\d+/, `"events":${noted(text) + more}`));
      sent.push(...(await deliverRest(place)));
      expect(once(sent)).toHaveLength(20_000);
    },
    60_000,
  );

  test.each(['', '{', '{"events":"many"}'])(
    'is made again where the note says %j',
    async (text) => {
      const { sent, ...place } = await leaveHalf();
      writeFileSync(noteIn(place.folder), text);
      sent.push(...(await deliverRest(place)));
      expect(once(sent)).toHaveLength(20_000);
    },
    60_000,
  );
});
