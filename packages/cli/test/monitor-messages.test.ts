import { describe, expect, test } from 'vitest';
import { MonitorMessages } from '../src/monitor/monitor-messages.js';
import { batchOf } from './support/events.js';

function start() {
  const told: string[] = [];
  const messages = new MonitorMessages((message) => told.push(message));
  const postpone = (reason: string, needsHuman: boolean) =>
    messages.onNotice({ type: 'batch.postponed', batch: batchOf('1'), reason, retryInMs: 1, needsHuman });
  const end = (undelivered: number) => messages.onNotice({ type: 'session.ended', exitCode: 0, undelivered });
  return { told, messages, postpone, end };
}

describe('what a person is told', () => {
  test('nothing, as long as km can help itself', () => {
    const { told, postpone, end } = start();
    postpone('HTTP 503', false);
    end(0);
    expect(told).toEqual([]);
  });

  test('that a human must act, once', () => {
    const { told, postpone } = start();
    postpone('log in', true);
    postpone('log in', true);
    expect(told).toEqual(['monitoring goes on, but no event is delivered: log in']);
  });

  test('that events were refused or dropped, once each', () => {
    const { told, messages } = start();
    for (let turn = 0; turn < 2; turn += 1) {
      messages.onNotice({ type: 'batch.refused', batch: batchOf('1', '2'), reason: 'HTTP 400' });
      messages.onNotice({ type: 'events.dropped', count: 7 });
    }
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('refused 2 events (HTTP 400)');
  });

  test('at the end what was lost, and what went wrong last', () => {
    const { told, messages, postpone, end } = start();
    postpone('HTTP 503', false);
    messages.onAuthEvent({
      type: 'refresh.retried',
      profile: 'default',
      atMs: 0,
      scope: 'monitoring',
      attempt: 2,
      delayMs: 1,
      reason: 'the network is down',
    });
    end(1);
    expect(told).toEqual(['not delivered, and lost: 1 event, because the network is down']);
  });
});
