import { describe, expect, test } from 'vitest';
import { CliError } from '../src/cli-error.js';
import type { SendOutcome } from '../src/monitor/batch-sender.js';
import { countWaiting } from '../src/queue/segment-folder.js';
import { filesIn, until } from './support/queue.js';
import { DELIVERED, DOWN, ids, LOGGED_OUT, once, startProcess } from './support/queue-process.js';

describe('delivery', () => {
  test('sends ten events at once, and what is left two seconds after it happened', async () => {
    const { add, batches, delivery, pass, passUntil } = await startProcess();
    delivery.start();
    add(...ids(0, 23));
    const ms = await passUntil(() => batches.length === 2);
    expect(batches.map((batch) => batch.length)).toEqual([10, 10]);
    expect(ms).toBeLessThan(1_900);
    await pass(1_900 - ms);
    expect(batches).toHaveLength(2);
    await passUntil(() => batches.length === 3);
    expect(batches.flat()).toEqual(ids(0, 23));
  });

  test('sends more at once the more there is, and no more than four times a second while much comes', async () => {
    const { add, batches, clock, pass, passUntil } = await startProcess();
    const sentAtMs: number[] = [];
    let count = 0;
    const more = (events: number) => {
      add(...ids(count, count + events));
      count += events;
    };
    const large = () => batches.filter(({ length }) => length > 10).length;
    more(400);
    while (large() < 4) {
      more(20);
      await pass(10);
      while (sentAtMs.length < batches.length) sentAtMs.push(clock.monotonicMs());
    }
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10, 20, 40, 80, 160]);
    const [first = 0, ...others] = sentAtMs.slice(-4);
    let before = first;
    for (const atMs of others) {
      expect(atMs - before).toBeGreaterThanOrEqual(240);
      before = atMs;
    }
    expect(batches.flat().length).toBeLessThan(count);
    await passUntil(() => batches.flat().length === count);
    expect(batches.flat()).toEqual(ids(0, count));
    // Little is sent as before.
    more(10);
    await passUntil(() => batches.flat().length === count);
    expect(batches.at(-1)).toHaveLength(10);
  });

  test('sends once what was written while its batch waited for more', async () => {
    const { add, batches, delivery, folder = '', pass, passUntil } = await startProcess();
    delivery.start();
    for (let n = 0; n < 8; n += 1) {
      add(`event-${n}`);
      await pass(200);
    }
    expect(await countWaiting(folder)).toBeGreaterThan(5);
    await passUntil(() => batches.length > 0);
    await pass(3_000);
    expect(batches.flat()).toEqual(ids(0, 8));
  });

  test('leaves nothing on the disk of what the API took at once', async () => {
    const { add, batches, folder = '', passUntil } = await startProcess();
    add(...ids(0, 10));
    await passUntil(() => batches.length === 1);
    const before = filesIn(folder);
    // No time passes for the process: the API is faster than its patience.
    add(...ids(10, 20));
    await until(() => batches.length === 2);
    expect(batches.flat()).toEqual(ids(0, 20));
    expect(filesIn(folder)).toEqual(before);
  });

  test('writes what the API does not take within 50 ms, and sends it until it does', async () => {
    const {
      add,
      batches,
      folder = '',
      notices,
      passUntil,
    } = await startProcess({ script: [DOWN, DOWN, DOWN, DELIVERED] });
    add(...ids(0, 10));
    await passUntil(() => filesIn(folder).some((name) => name.endsWith('.open')));
    const ms = await passUntil(() => batches.length === 4);
    expect(new Set(batches.map((batch) => batch.join()))).toEqual(new Set([ids(0, 10).join()]));
    expect(ms).toBeGreaterThan(3_000);
    await passUntil(() => notices.some(({ type }) => type === 'batch.delivered'));
    await until(async () => (await countWaiting(folder)) === 0);
  });

  test('keeps the order while the API goes and comes, from memory and from the disk', async () => {
    const script: SendOutcome[] = Array.from({ length: 60 }, (_, n) => (n % 3 === 1 ? DOWN : DELIVERED));
    const { add, batches, notices, pass, passUntil, folder = '' } = await startProcess({ script });
    for (let n = 0; n < 20; n += 1) {
      add(...ids(n * 7, n * 7 + 7));
      await pass(n % 4 === 0 ? 300 : 25);
    }
    const count = () =>
      notices.reduce(
        (sum, each) => sum + (each.type === 'batch.delivered' ? each.batch.events.length : 0),
        0,
      );
    await passUntil(() => count() >= 140);
    expect(once(batches)).toEqual(ids(0, 140));
    expect(count()).toBe(140);
    await until(async () => (await countWaiting(folder)) === 0);
  });

  test('is written before 200 ms are over while an answer does not come, and is sent once when it comes', async () => {
    let answer: (outcome: SendOutcome) => void = () => undefined;
    const late = new Promise<SendOutcome>((resolve) => (answer = resolve));
    const {
      add,
      batches,
      folder = '',
      pass,
      passUntil,
      journal,
    } = await startProcess({ script: [late, DELIVERED] });
    add(...ids(0, 15));
    await passUntil(() => batches.length === 1);
    await pass(150);
    await journal.flushing;
    expect(await countWaiting(folder)).toBe(15);
    answer(DELIVERED);
    await passUntil(() => batches.length === 2);
    expect(batches.flat()).toEqual(ids(0, 15));
  });

  test('waits for no human: what cannot be sent waits on the disk, and goes when somebody has logged in', async () => {
    const {
      add,
      answers,
      batches,
      delivery,
      folder = '',
      notices,
      pass,
      passUntil,
    } = await startProcess({
      script: [LOGGED_OUT, DELIVERED],
    });
    answers.isLoggedIn = false;
    delivery.start();
    add(...ids(0, 12));
    await passUntil(() => notices.some(({ type }) => type === 'batch.postponed'));
    await passUntil(() => filesIn(folder).length > 0);
    add(...ids(12, 30));
    await pass(2_000);
    expect(batches).toHaveLength(1);
    answers.isLoggedIn = true;
    await passUntil(() => once(batches).length === 30);
    expect(once(batches)).toEqual(ids(0, 30));
  });

  test('asks whether somebody has logged in every 10 s, whatever passes meanwhile', async () => {
    const { add, answers, asked, batches, delivery, pass, passUntil } = await startProcess({
      script: [LOGGED_OUT, DELIVERED],
    });
    answers.isLoggedIn = false;
    delivery.start();
    add(...ids(0, 10));
    await passUntil(() => batches.length === 1);
    for (let n = 1; n < 200; n += 1) {
      add(...ids(n * 10, n * 10 + 10));
      await pass(100);
    }
    expect(asked.login).toBe(1);
    expect(batches).toHaveLength(1);
    answers.isLoggedIn = true;
    await passUntil(() => once(batches).length === 2_000);
  });

  test('sends nothing again at once where a login did not help, however much passes', async () => {
    const { add, batches, delivery, pass } = await startProcess({ script: [LOGGED_OUT] });
    delivery.start();
    for (let n = 0; n < 250; n += 1) {
      add(...ids(n * 10, n * 10 + 10));
      await pass(100);
    }
    expect(batches).toHaveLength(3);
  });

  test('says what is wrong with the settings as it is where it looks for who logged in', async () => {
    const { add, answers, delivery, notices, passUntil } = await startProcess({ script: [LOGGED_OUT] });
    const message = 'config.json cannot be read: line 3 is no JSON; correct it';
    answers.settingsError = new CliError(message, { exitCode: 1 });
    delivery.start();
    add(...ids(0, 10));
    await passUntil(() => notices.some(({ type }) => type === 'queue.trouble'));
    expect(notices).toContainEqual({ type: 'queue.trouble', message });
  });
});
