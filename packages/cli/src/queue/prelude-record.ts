import type { RingRecord } from '../monitor/capture-ring.js';

/*
 * What passed, in a prelude: length of the head (4 bytes, big-endian), the head (JSON: all but the bytes), the bytes.
 */
const LENGTH_BYTES = 4;

export function encodeRingRecord(record: RingRecord): Buffer {
  const bytes = record.kind === 'bytes' ? record.bytes : Buffer.alloc(0);
  const text = Buffer.from(JSON.stringify({ ...record, bytes: undefined }));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, bytes]);
}

/** What was sealed is trusted to be as it was written; `undefined` where it is of another kind. */
export function decodeRingRecord(sealed: Buffer): RingRecord | undefined {
  try {
    const end = LENGTH_BYTES + sealed.readUInt32BE(0);
    const head = JSON.parse(sealed.subarray(LENGTH_BYTES, end).toString()) as RingRecord;
    return head.kind === 'bytes' ? { ...head, bytes: sealed.subarray(end) } : head;
  } catch {
    return undefined;
  }
}
