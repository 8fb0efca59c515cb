import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createMemoryCache } from '../src/index.js';
import { StoppableWaits } from '../src/stoppable-waits.js';
import { whenAborted } from '../src/when-aborted.js';
import { fakeClock, settle } from './support/fake-clock.js';
import { KEYED, outcomeOf, setup } from './support/setup.js';

// Node warns of a leak where a signal has more than ten listeners.
const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const SCOPES = Array.from({ length: 40 }, (_, index) => `scope-${String(index)}`);

test('any number of callers with one signal listen to it once, and not at all when they are answered', async () => {
  const { manager, clock } = await setup({ service: { latencyMs: 10 } });
  const { signal } = new AbortController();
  const tokens = Promise.all(SCOPES.map((scope) => manager.getValidToken(scope, { signal })));
  await clock.advance(5);
  expect(listenersOf(signal)).toBe(1);
  await clock.advance(40 * 10);

  expect(await tokens).toHaveLength(40);
  expect(listenersOf(signal)).toBe(0);
});

test('a signal ends all their waits', async () => {
  const { manager, clock } = await setup({ service: { latencyMs: 10 } });
  const abort = new AbortController();
  const { signal } = abort;
  const outcomes = SCOPES.map((scope) => outcomeOf(manager.getValidToken(scope, { signal })));
  await clock.advance(5);
  abort.abort();

  for (const outcome of await Promise.all(outcomes))
    expect(outcome).toMatchObject({ code: 'KM_AUTH_ABORTED' });
  expect(listenersOf(signal)).toBe(0);
});

test('any number of tasks that wait for a lock with one signal listen to it once', async () => {
  const cache = createMemoryCache({ clock: fakeClock() });
  const abort = new AbortController();
  const waiting = { timeoutMs: 1_000, signal: abort.signal };
  let end: () => void = () => undefined;
  const first = cache.withLock(KEYED, () => new Promise<void>((resolve) => (end = resolve)), waiting);
  const others = SCOPES.map((scope) =>
    outcomeOf(cache.withLock(KEYED, () => Promise.resolve(scope), waiting)),
  );
  await settle();
  expect(listenersOf(abort.signal)).toBe(1);
  abort.abort(new Error('stop'));
  for (const other of await Promise.all(others)) expect(other).toEqual(new Error('stop'));
  end();
  await first;
  expect(listenersOf(abort.signal)).toBe(0);
});

test('any number of waits for another try listen once to what ends them', async () => {
  const clock = fakeClock();
  const waits = new StoppableWaits(clock);
  const whole = SCOPES.map(() => waits.wait(10));
  expect(listenersOf(waits.signal)).toBe(1);
  await clock.advance(10);
  expect(new Set(await Promise.all(whole))).toEqual(new Set([true]));
  expect(listenersOf(waits.signal)).toBe(0);
  const ended = SCOPES.map(() => waits.wait(10));
  waits.end();

  expect(new Set(await Promise.all(ended))).toEqual(new Set([false]));
  expect(clock.timers()).toEqual([]);
});

test('a wait that ends as another does is told as well, and one that was cancelled is not', () => {
  const abort = new AbortController();
  const called: string[] = [];
  const cancel = whenAborted(abort.signal, () => called.push('cancelled'));
  const note = (): void => void called.push('told');
  const cancelOne = whenAborted(abort.signal, note);
  whenAborted(abort.signal, note);
  whenAborted(abort.signal, () => {
    called.push('last');
  });
  cancel();
  cancelOne();
  cancelOne();
  abort.abort();

  expect(called).toEqual(['told', 'last']);
});
