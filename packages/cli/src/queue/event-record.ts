import type { MonitorEvent } from '../monitor/monitor-event.js';
import type { SegmentRecord } from './record-group.js';

/** An event as a record: its body is the payload. */
export function encodeEvent({ payload, ...head }: MonitorEvent): SegmentRecord {
  return { head: JSON.stringify(head), body: payload };
}

/** The event; `undefined` where it is none. What was sealed is trusted to be as it was written. */
export function decodeEvent({ head, body }: SegmentRecord): MonitorEvent | undefined {
  try {
    const event = JSON.parse(head) as Omit<MonitorEvent, 'payload'>;
    return typeof event.id === 'string' ? { ...event, payload: body } : undefined;
  } catch {
    return undefined;
  }
}
