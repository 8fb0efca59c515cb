import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Capture } from '../src/monitor/capture.js';
import type { MonitorEvent } from '../src/monitor/monitor-event.js';
import type { MonitorNotice } from '../src/monitor/monitor-notice.js';
import type { Redactor } from '../src/monitor/redaction.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const START_MS = 1_700_000_000_000;

function startCapture(maxPayloadBytes = 1024, redact?: Redactor) {
  const events: MonitorEvent[] = [];
  const notices: MonitorNotice[] = [];
  const capture = new Capture({
    correlationId: 'session-1',
    onEvent: (event) => events.push(event),
    notify: (notice) => notices.push(notice),
    maxPayloadBytes,
    ...(redact === undefined ? {} : { redact }),
  });
  const momentAt = (ms: number) => ({ wallMs: START_MS + ms, monotonicMs: ms });
  const say = (direction: 'inbound' | 'outbound', text: string, atMs = 0) =>
    capture.see(direction, Buffer.from(`${text}\n`), momentAt(atMs));
  return { capture, events, notices, say, momentAt };
}

describe('capture', () => {
  test('makes of each message an event with its exact bytes', () => {
    const { events, say } = startCapture();
    const text = '{"jsonrpc": "2.0",  "id": 1, "method": "tools/list"}';
    say('outbound', text);
    expect(events).toEqual([
      {
        id: expect.stringMatching(UUID) as string,
        timestamp: new Date(START_MS).toISOString(),
        direction: 'outbound',
        method: 'tools/list',
        payload: Buffer.from(text),
        size: text.length,
        correlationId: 'session-1',
      },
    ]);
  });

  test('records a message by its size alone that cannot be searched for secrets, and goes on', () => {
    const odd = '{"id":1,"method":"odd"}';
    const { events, say } = startCapture(1024, (payload) => {
      if (payload.toString() === odd) throw new RangeError('Maximum call stack size exceeded');
      return { payload, count: 0 };
    });
    say('outbound', odd);
    say('outbound', '{"id":2,"method":"ping"}');
    expect(events.map(({ method, payload }) => [method, JSON.parse(String(payload)) as unknown])).toEqual([
      ['odd', { payloadOmitted: true, size: odd.length }],
      ['ping', { id: 2, method: 'ping' }],
    ]);
  });

  test('gives a response the method of its request', () => {
    const { events, say } = startCapture();
    say('outbound', '{"id":1,"method":"tools/list"}');
    say('outbound', '{"id":2,"method":"ping"}');
    say('inbound', '{"id":2,"result":{}}');
    say('inbound', '{"id":1,"result":{}}');
    expect(events.map(({ method }) => method)).toEqual(['tools/list', 'ping', 'ping', 'tools/list']);
  });

  test('keeps ids of the two directions apart, and numbers apart from texts', () => {
    const { events, say } = startCapture();
    say('outbound', '{"id":1,"method":"tools/call"}');
    say('inbound', '{"id":1,"method":"sampling/createMessage"}');
    say('inbound', '{"id":"1","method":"roots/list"}');
    say('outbound', '{"id":1,"result":{}}');
    say('outbound', '{"id":"1","result":{}}');
    say('inbound', '{"id":1,"result":{}}');
    expect(events.slice(3).map(({ method }) => method)).toEqual([
      'sampling/createMessage',
      'roots/list',
      'tools/call',
    ]);
  });

  test('gives a response to nothing no method', () => {
    const { events, say } = startCapture();
    say('inbound', '{"id":5,"error":{"code":1,"message":"no"}}');
    expect(events[0]).not.toHaveProperty('method');
  });

  test('takes a batch as one event that names its methods', () => {
    const { events, say } = startCapture();
    say('outbound', '[{"id":1,"method":"a"},{"id":2,"method":"b"},{"method":"a"}]');
    say('inbound', '[{"id":2,"result":1},{"id":1,"result":1}]');
    expect(events.map(({ method }) => method)).toEqual(['a,b', 'b,a']);
  });

  test('records nothing of a line that is no message, and says so', () => {
    const { events, notices, say } = startCapture();
    say('inbound', 'listening on port 1');
    say('inbound', '');
    expect(events).toEqual([]);
    expect(notices).toEqual([{ type: 'line.ignored', direction: 'inbound', size: 19 }]);
  });

  test('records a message over the limit by its size and hash, and correlates it all the same', () => {
    const { events, say } = startCapture(100);
    const request = JSON.stringify({ method: 'tools/call', params: 'x'.repeat(500), id: 9 });
    say('outbound', request);
    say('inbound', '{"id":9,"result":{}}');
    expect(events[0]).toMatchObject({ method: 'tools/call', size: request.length });
    expect(JSON.parse(events[0]!.payload.toString())).toEqual({
      payloadOmitted: true,
      size: request.length,
      sha256: createHash('sha256').update(request).digest('hex'),
    });
    expect(events[1]).toMatchObject({ method: 'tools/call' });
  });

  test('takes a last message without a newline', () => {
    const { capture, events, momentAt } = startCapture();
    capture.see('outbound', Buffer.from('{"method":"notifications/cancelled"}'), momentAt(0));
    expect(events).toEqual([]);
    capture.end('outbound', momentAt(0));
    expect(events).toHaveLength(1);
  });

  test('forgets the oldest of ten thousand unanswered requests', () => {
    const { events, say } = startCapture();
    for (let id = 0; id <= 10_000; id += 1) say('outbound', JSON.stringify({ id, method: 'ping' }));
    say('inbound', '{"id":0,"result":{}}');
    say('inbound', '{"id":1,"result":{}}');
    expect(events.at(-2)).not.toHaveProperty('method');
    expect(events.at(-1)).toMatchObject({ method: 'ping' });
  });
});
