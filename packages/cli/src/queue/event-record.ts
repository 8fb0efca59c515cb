import type { MonitorEvent } from '../monitor/monitor-event.js';

/*
 * An event in a segment: length of the head (4 bytes, big-endian), the head (JSON: all but the payload), the payload.
 */
const LENGTH_BYTES = 4;

export function encodeEvent({ payload, ...head }: MonitorEvent): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, payload]);
}

/** The event; `undefined` where it is none. What was sealed is trusted to be as it was written. */
export function decodeEvent(bytes: Buffer): MonitorEvent | undefined {
  try {
    const end = LENGTH_BYTES + bytes.readUInt32BE(0);
    const head = JSON.parse(bytes.subarray(LENGTH_BYTES, end).toString()) as Omit<MonitorEvent, 'payload'>;
    return typeof head.id === 'string' ? { ...head, payload: bytes.subarray(end) } : undefined;
  } catch {
    return undefined;
  }
}
