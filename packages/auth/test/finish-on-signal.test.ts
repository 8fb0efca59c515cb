import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { finishRefreshOnSignal, type SignalledProcess } from '../src/index.js';
import { settle } from './support/fake-clock.js';
import { setup } from './support/setup.js';

/** A process that says which signals were raised in it; one that nobody hears would end it. */
function signalled() {
  const raised: NodeJS.Signals[] = [];
  const hears = new EventEmitter();
  const target: SignalledProcess = Object.assign(hears, {
    pid: 1,
    kill: (_pid: number, signal: NodeJS.Signals) => raised.push(signal) > 0,
  }) as unknown as SignalledProcess;
  return {
    target,
    raised,
    listeners: () => hears.listenerCount('SIGTERM'),
    send: () => hears.emit('SIGTERM', 'SIGTERM'),
  };
}

/** A manager that has sent a request a second ago, whose answer takes `latencyMs`. */
async function refreshing(latencyMs = 5_000) {
  const world = await setup({ service: { latencyMs } });
  void world.manager.getValidToken('monitoring');
  await world.clock.advance(1_000);
  return world;
}

describe('finishRefreshOnSignal', () => {
  test('raises the signal once all managers have what they asked for, and nothing hears a second one', async () => {
    const { target, raised, listeners, send } = signalled();
    const idle = await setup();
    const { manager, clock, stored } = await refreshing();
    finishRefreshOnSignal(idle.manager, target, { clock: idle.clock });
    finishRefreshOnSignal(manager, target, { clock });
    send();
    await settle();
    expect(listeners()).toBe(0);
    expect(raised).toEqual([]);
    await clock.advance(4_000);

    expect(raised).toEqual(['SIGTERM']);
    expect((await stored()).tokens.size).toBe(1);
  });

  test('waits for each manager no longer than its own time', async () => {
    const { target, raised, send } = signalled();
    const { manager, clock, another } = await refreshing(60_000);
    finishRefreshOnSignal(another(), target, { clock, timeoutMs: 10_000 });
    finishRefreshOnSignal(manager, target, { clock, timeoutMs: 2_000 });
    send();
    await clock.advance(1_999);
    expect(raised).toEqual([]);
    await clock.advance(1);
    expect(raised).toEqual(['SIGTERM']);
  });

  test('waits no longer for a manager for which it was taken back', async () => {
    const { target, raised, listeners, send } = signalled();
    const idle = await setup();
    const { manager, clock } = await refreshing();
    const takeBack = [
      finishRefreshOnSignal(manager, target, { clock }),
      finishRefreshOnSignal(idle.manager, target, { clock: idle.clock }),
    ];
    takeBack[0]?.();
    send();
    await settle();
    expect(raised).toEqual(['SIGTERM']);

    for (const each of takeBack) each();
    const again = finishRefreshOnSignal(manager, target, { clock });
    expect(listeners()).toBe(1);
    again();
    expect(listeners()).toBe(0);
  });
});
