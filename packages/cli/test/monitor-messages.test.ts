import { describe, expect, test } from 'vitest';
import { MonitorMessages } from '../src/monitor/monitor-messages.js';
import { batchOf } from './support/events.js';

function start() {
  const told: string[] = [];
  const messages = new MonitorMessages((message) => told.push(message));
  const postpone = (reason: string, needsHuman: boolean) =>
    messages.onNotice({ type: 'batch.postponed', batch: batchOf('1'), reason, retryInMs: 1, needsHuman });
  const end = (undelivered: number, lost = 0) =>
    messages.onNotice({ type: 'session.ended', exitCode: 0, undelivered, lost });
  return { told, messages, postpone, end };
}

describe('what a person is told', () => {
  test('nothing, as long as km can help itself', () => {
    const { told, postpone, end } = start();
    postpone('HTTP 503', false);
    end(0);
    expect(told).toEqual([]);
  });

  test('that a human must act, once, and no more of it at the end', () => {
    const { told, postpone, end } = start();
    postpone('log in', true);
    postpone('log in', true);
    end(12);
    expect(told).toEqual(['monitoring goes on, and events wait in the queue: log in']);
  });

  test('that a human must act again, once more, where it worked meanwhile', () => {
    const { told, messages, postpone } = start();
    postpone('log in', true);
    messages.onNotice({ type: 'batch.delivered', batch: batchOf('1'), durationMs: 1 });
    postpone('HTTP 403', true);
    postpone('HTTP 403', true);
    expect(told).toEqual([
      'monitoring goes on, and events wait in the queue: log in',
      'monitoring goes on, and events wait in the queue: HTTP 403',
    ]);
  });

  test('at the end what waits all the same, once a human did act', () => {
    const { told, messages, postpone, end } = start();
    postpone('HTTP 403', true);
    messages.onNotice({ type: 'batch.delivered', batch: batchOf('1'), durationMs: 1 });
    end(12);
    expect(told.slice(1)).toEqual(['12 events in the queue, for a later km to deliver, because HTTP 403']);
  });

  test('that events were refused or given up, once each, and how many of the latter in the end', () => {
    const { told, messages, end } = start();
    for (let turn = 0; turn < 2; turn += 1) {
      messages.onNotice({ type: 'batch.refused', batch: batchOf('1'), reason: 'HTTP 400', isKept: true });
      messages.onNotice({ type: 'events.dropped', count: 7, why: 'size' });
      messages.onNotice({ type: 'events.dropped', count: 1, why: 'age' });
    }
    end(0);
    expect(told).toEqual([
      'the API refused 1 event (HTTP 400): set aside, alone, and tried again with `km queue flush`; a newer km may help',
      'the queue is full: 7 events given up, the oldest',
      'events waited too long in the queue: 1 event given up, the oldest',
      '16 events in all were given up',
    ]);
  });

  test('that an event is lost which was refused and could not be set aside, though others could', () => {
    const { told, messages } = start();
    for (const isKept of [true, false, false]) {
      messages.onNotice({ type: 'batch.refused', batch: batchOf('1'), reason: 'HTTP 413', isKept });
    }
    expect(told).toEqual([
      'the API refused 1 event (HTTP 413): set aside, alone, and tried again with `km queue flush`; a newer km may help',
      'the API refused 1 event (HTTP 413), which is lost: it could not be set aside on the disk; a newer km may help',
    ]);
  });

  test('what is wrong with the queue, each thing once', () => {
    const { told, messages } = start();
    for (const message of ['the disk is full', 'a file is damaged', 'the disk is full']) {
      messages.onNotice({ type: 'queue.trouble', message });
    }
    expect(told).toEqual(['the disk is full', 'a file is damaged']);
  });

  test('at the end what waits, what was lost, and what went wrong last', () => {
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
    end(3, 1);
    expect(told).toEqual([
      'not delivered, and lost: 1 event, because the network is down',
      '2 events in the queue, for a later km to deliver, because the network is down',
    ]);
  });
});
