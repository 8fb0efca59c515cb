import { recordsIn, type RingRecord } from '../monitor/ring-record.js';
import type { SegmentRecord } from './record-group.js';

const NOTHING = Buffer.alloc(0);
const PIECE_HEAD = JSON.stringify({ kind: 'piece' });

/** What passed, as a record of a prelude. */
export function encodeRingRecord(record: RingRecord): SegmentRecord {
  const body = record.kind === 'bytes' ? record.bytes : NOTHING;
  return { head: JSON.stringify({ ...record, bytes: undefined }), body };
}

/** As {@link encodeRingRecord}, of many records as they were taken out of the ring. */
export function encodeRingPiece(bytes: Buffer): SegmentRecord {
  return { head: PIECE_HEAD, body: bytes };
}

/** What was sealed is trusted to be as it was written; nothing where it is of another kind. */
export function decodeRingRecords({ head, body }: SegmentRecord): readonly RingRecord[] {
  try {
    const record = JSON.parse(head) as RingRecord | { readonly kind: 'piece' };
    if (record.kind === 'piece') return [...recordsIn(body)];
    return [record.kind === 'bytes' ? { ...record, bytes: body } : record];
  } catch {
    return [];
  }
}
