import { expect, test } from 'vitest';
import type { MonitorNotice } from '../src/monitor/monitor-notice.js';
import { SessionSummary } from '../src/monitor/session-summary.js';
import { batchOf, eventNamed } from './support/events.js';
import { FakeClock } from './support/fake-clock.js';

const event = (id: string, correlationId = 'own') => ({ ...eventNamed(id), correlationId });
const batch = (...events: ReturnType<typeof event>[]) => ({ ...batchOf(), events });

/** The words of what became of the events of a session with so many messages. */
function outcomeOf(messages: number, notices: readonly MonitorNotice[], { isRecorded = true } = {}): string {
  const summary = new SessionSummary(new FakeClock());
  summary.onNotice({ type: 'session.started', correlationId: 'own', serverPid: 1 });
  if (isRecorded) summary.onRecording();
  for (let n = 0; n < messages; n += 1) {
    summary.onNotice({
      ...{
        type: 'message',
        event: event(`${n}`),
        kind: 'notification',
        id: undefined,
        errors: [],
        redacted: 0,
      },
    });
  }
  for (const notice of notices) summary.onNotice(notice);
  return summary.text().split('; ')[1]?.split('\n')[0] ?? '';
}

const ended = (undelivered: number): MonitorNotice => ({
  type: 'session.ended',
  exitCode: 0,
  undelivered,
  lost: 0,
});

test('only events of the session are counted, not what others left', () => {
  const delivered = batch(event('a'), event('b'), event('c', 'another'));
  expect(outcomeOf(2, [{ type: 'batch.delivered', batch: delivered, durationMs: 1 }, ended(0)])).toBe(
    '2 events delivered, 0 not delivered',
  );
});

test('it is said what was set aside, given up and left to others', () => {
  const notices: MonitorNotice[] = [
    { type: 'batch.delivered', batch: batch(event('a')), durationMs: 1 },
    { type: 'batch.refused', batch: batch(event('b')), reason: 'HTTP 400', isKept: true },
    { type: 'batch.refused', batch: batch(event('x', 'another')), reason: 'HTTP 400', isKept: true },
    { type: 'events.dropped', count: 2, why: 'memory' },
    ended(3),
  ];
  expect(outcomeOf(10, notices)).toBe(
    '1 event delivered, 3 not delivered, 1 set aside, 2 given up, 3 left to another km',
  );
});

test('nothing is left to another km where nothing is recorded', () => {
  expect(outcomeOf(4, [ended(0)], { isRecorded: false })).toBe('0 events delivered, 0 not delivered');
});
