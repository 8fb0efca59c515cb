import { describe, expect, test } from 'vitest';
import { eventsOf, flow, LINE, startRecording } from './support/recording.js';

describe('what passes', () => {
  test('is looked at once it is gathered where it is little, and needs no file', async () => {
    const session = startRecording();
    for (let line = 0; line < 5; line += 1) session.pass(LINE);
    await session.goOn(60);
    expect(session.events).toEqual(eventsOf(session.passed));
    expect(session.begun).toEqual([]);
  });

  test('is only kept safe while much of it flows, and looked at in the pause; then the file is gone', async () => {
    const session = startRecording();
    await flow(session, 300);
    expect(session.events).toEqual([]);
    const kept = await session.recovered();
    expect(kept.length).toBeGreaterThanOrEqual(230);
    expect(kept).toEqual(eventsOf(session.passed).slice(0, kept.length));
    await session.goOn(150);
    expect(session.events).toEqual(eventsOf(session.passed));
    expect(await session.recovered()).toEqual([]);
    expect(session.begun).toHaveLength(1);
  });

  test('waits for a pause for a second, and no longer', async () => {
    const session = startRecording();
    await flow(session, 1_000);
    expect(session.events).toEqual([]);
    await flow(session, 200);
    expect(session.events.length).toBeGreaterThan(1_000);
    await session.goOn(200);
    expect(session.events).toEqual(eventsOf(session.passed));
  });

  test('is looked at at once in the middle of a line: nobody else could go on from there', async () => {
    const session = startRecording();
    session.pass('{"id":1,');
    await session.goOn(60);
    for (let line = 0; line < 100; line += 1) session.pass(LINE);
    await session.goOn(60);
    expect(session.begun).toEqual([]);
    session.pass('{"id":2');
    await session.goOn(60);
    expect(session.events).toEqual(eventsOf(session.passed));
  });

  test('is looked at at once where the disk takes nothing, which is tried once', async () => {
    let tries = 0;
    const begin = () => {
      tries += 1;
      return Promise.reject(new Error('no space left on device'));
    };
    const session = startRecording({ begin });
    await flow(session, 300);
    await session.goOn(100);
    expect(session.events).toEqual(eventsOf(session.passed));
    expect(tries).toBe(1);
  });

  test('takes no more of the disk than an eighth of the queue: the rest is looked at at once', async () => {
    const session = startRecording({ queueBytes: 8 * 32 * 1024 });
    await flow(session, 500);
    expect(session.events.length).toBeGreaterThan(100);
    const whole = new Map(eventsOf(session.passed).map((event) => [event.id, event]));
    for (const event of await session.recovered()) expect(event).toEqual(whole.get(event.id));
    await session.goOn(200);
    expect(session.events).toEqual(eventsOf(session.passed));
    expect(session.ahead.isOpen).toBe(false);
  });

  test('is looked at at once where it is so much that to keep it would cost as much', async () => {
    const session = startRecording({ ringBytes: 8 * 1024 * 1024 });
    const long = `{"method":"note","params":"${'x'.repeat(100_000)}"}\n`;
    session.pass(long.repeat((5 * 1024 * 1024) / long.length));
    await session.goOn(50);
    session.pass(LINE);
    await session.goOn(10);
    expect(session.events.map(({ id }) => id)).toEqual(eventsOf(session.passed).map(({ id }) => id));
    expect(session.begun).toEqual([]);
  });

  test('stays on the disk while its events are nowhere else', async () => {
    let isSafe = false;
    const session = startRecording({ secure: () => Promise.resolve(isSafe) });
    await flow(session, 300);
    await session.goOn(200);
    expect(session.events).toHaveLength(300);
    expect(await session.recovered()).toEqual(session.events);
    isSafe = true;
    session.pass(LINE);
    await session.goOn(100);
    expect(await session.recovered()).toEqual([]);
  });

  test('names the method of an answer in another process too, whose request came long before', async () => {
    const session = startRecording();
    session.pass('{"id":7,"method":"tools/list"}\n{"id":"7","method":"ping"}\n');
    await session.goOn(100);
    session.pass('{"id":"7","result":{}}\n{"id":7,"result":{}}\n', 'inbound');
    await flow(session, 200);
    const answers = (await session.recovered()).filter(({ direction }) => direction === 'inbound');
    expect(answers.map(({ method }) => method)).toEqual(['ping', 'tools/list']);
  });
});
