import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { SignalRelay } from '../src/monitor/signal-relay.js';

const ALL = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** A process that can be sent signals. */
function relayOf() {
  const target = new EventEmitter();
  const send = (signal: string): boolean => target.emit(signal, signal);
  const relay = new SignalRelay(target as unknown as NodeJS.Process);
  return { send, relay };
}

/** Whether `promise` has resolved by now. */
const isResolved = (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);

test('signals that come before the server runs are passed on in their order, and later ones at once', () => {
  const { send, relay } = relayOf();
  for (const signal of ALL.slice(0, 5)) send(signal);
  const passed: string[] = [];
  relay.attach((signal) => passed.push(signal));
  expect(passed).toEqual(ALL.slice(0, 5));
  send('SIGUSR2');
  expect(passed).toEqual(ALL);
});

test('a second signal that means the end is urgent; what only the server understands is not', async () => {
  const { send, relay } = relayOf();
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGUSR2', 'SIGTERM']) send(signal);
  expect(await isResolved(relay.isUrgent)).toBe(false);
  send('SIGQUIT');
  expect(await isResolved(relay.isUrgent)).toBe(true);
});
