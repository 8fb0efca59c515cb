import type { RingRecord } from '../monitor/capture-ring.js';
import type { SegmentRecord } from './record-group.js';

const NOTHING = Buffer.alloc(0);

/** What passed, as a record of a prelude. */
export function encodeRingRecord(record: RingRecord): SegmentRecord {
  const body = record.kind === 'bytes' ? record.bytes : NOTHING;
  return { head: JSON.stringify({ ...record, bytes: undefined }), body };
}

/** What was sealed is trusted to be as it was written; `undefined` where it is of another kind. */
export function decodeRingRecord({ head, body }: SegmentRecord): RingRecord | undefined {
  try {
    const record = JSON.parse(head) as RingRecord;
    return record.kind === 'bytes' ? { ...record, bytes: body } : record;
  } catch {
    return undefined;
  }
}
