import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { ServerShutdown } from '../src/monitor/server-shutdown.js';
import { FakeClock } from './support/fake-clock.js';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

/** A server whose group has somebody in it that only SIGKILL ends; and when it got which signal. */
function stubbornServer() {
  const startedAtMs = clock.monotonicMs();
  const signals: string[] = [];
  let isAlive = true;
  const signalGroup = (signal: NodeJS.Signals | 0): boolean => {
    if (!isAlive) return false;
    if (signal !== 0) signals.push(`${signal} ${clock.monotonicMs() - startedAtMs}`);
    isAlive = signal !== 'SIGKILL';
    return true;
  };
  const shutdown = new ServerShutdown(
    { stdin: new PassThrough(), signal: (signal) => signals.push(`${signal} alone`), signalGroup },
    { clock, isBusy: () => false },
  );
  return { shutdown, signals };
}

describe('who does not end is killed', () => {
  test('1.5 s after the first signal, though the server itself ended meanwhile', async () => {
    const { shutdown, signals } = stubbornServer();
    shutdown.forward('SIGTERM');
    await clock.advance(1_000);
    const ended = shutdown.endGroup();
    await clock.advance(500);
    await ended;
    expect(signals).toEqual(['SIGTERM 0', 'SIGTERM 1000', 'SIGKILL 1500']);
    await clock.advance(10_000);
    expect(signals).toHaveLength(3);
  });

  test('as long after the end of the server, though a signal comes then', async () => {
    const { shutdown, signals } = stubbornServer();
    const ended = shutdown.endGroup();
    await clock.advance(1_000);
    shutdown.forward('SIGTERM');
    await clock.advance(500);
    await ended;
    expect(signals).toEqual(['SIGTERM 0', 'SIGTERM 1000', 'SIGKILL 1500']);
  });

  test('as long after SIGQUIT; a signal that does not mean the end is for the server alone, and ends nobody', async () => {
    const { shutdown, signals } = stubbornServer();
    shutdown.forward('SIGUSR1');
    expect([shutdown.isUnderWay, shutdown.hasSignalled]).toEqual([false, false]);
    await clock.advance(10_000);
    shutdown.forward('SIGQUIT');
    await clock.advance(1_500);
    expect(signals).toEqual(['SIGUSR1 alone', 'SIGQUIT 10000', 'SIGKILL 11500']);
  });

  test('as long after the SIGTERM that follows a closed input', async () => {
    const { shutdown, signals } = stubbornServer();
    shutdown.close();
    await clock.advance(3_500);
    expect(signals).toEqual(['SIGTERM 2000', 'SIGKILL 3500']);
  });

  test('ten minutes after its input was closed, though it goes on to speak', async () => {
    const { shutdown, signals } = stubbornServer();
    shutdown.close();
    for (let second = 1; second < 600; second += 1) {
      await clock.advance(1_000);
      shutdown.noteActivity();
    }
    expect(signals).toEqual([]);
    await clock.advance(2_500);
    expect(signals).toEqual(['SIGTERM 600000', 'SIGKILL 601500']);
  });
});
