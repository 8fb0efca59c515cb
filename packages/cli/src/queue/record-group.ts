import type { RecordSeal } from '@kilometers/auth';

/** A record of a segment: what is said of it, as JSON, and its bytes. */
export type SegmentRecord = { readonly head: string; readonly body: Buffer };

/*
 * Records that are appended together are sealed together, as a group:
 *
 *   0   4  length of what is sealed (integers are big-endian)
 *   4   4  how many records there are, so that they can be counted without the key
 *   8   …  sealed with the number of the first of them: each with the length of its head (4), that of its body (4), both
 */
export const GROUP_HEAD_BYTES = 8;
const LENGTHS_BYTES = 8;
const TAG_BYTES = 16;
/** What a group takes beyond its records. */
export const GROUP_OVERHEAD_BYTES = GROUP_HEAD_BYTES + TAG_BYTES;
/** A group that has so much takes no other record: what damage takes away, and a reader keeps, is no more. */
const FULL_BYTES = 64 * 1024;
/** No group is longer: a length beyond it is damage. */
const MAX_SEALED_BYTES = 256 * 1024 * 1024;

/** What a record takes in its group. */
export function recordBytes({ head, body }: SegmentRecord): number {
  return LENGTHS_BYTES + Buffer.byteLength(head) + body.length;
}

/** Records in groups, in their order. */
export function* inGroups(records: readonly SegmentRecord[]): Generator<readonly SegmentRecord[]> {
  let [begin, bytes] = [0, 0];
  for (const [index, record] of records.entries()) {
    bytes += recordBytes(record);
    if (bytes <= FULL_BYTES || index === begin) continue;
    yield records.slice(begin, index);
    [begin, bytes] = [index, recordBytes(record)];
  }
  if (begin < records.length) yield records.slice(begin);
}

/** A group as it stands in a segment, in pieces: a body that has a group to itself is not copied. */
export function encodeGroup(
  seal: RecordSeal,
  number: number,
  records: readonly SegmentRecord[],
): readonly Buffer[] {
  const [only] = records;
  const plaintext =
    only !== undefined && records.length === 1 ? [encodeHead(only), only.body] : [encodeAll(records)];
  const sealed = seal.seal(number, plaintext);
  const lead = Buffer.allocUnsafe(GROUP_HEAD_BYTES);
  lead.writeUInt32BE(bytesIn(sealed), 0);
  lead.writeUInt32BE(records.length, 4);
  return [lead, ...sealed];
}

export function bytesIn(pieces: readonly Buffer[]): number {
  return pieces.reduce((bytes, { length }) => bytes + length, 0);
}

function encodeHead(record: SegmentRecord): Buffer {
  const bytes = Buffer.allocUnsafe(recordBytes(record) - record.body.length);
  writeHead(bytes, 0, record);
  return bytes;
}

function encodeAll(records: readonly SegmentRecord[]): Buffer {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + recordBytes(record), 0));
  let at = 0;
  for (const record of records) {
    at = writeHead(bytes, at, record);
    bytes.set(record.body, at);
    at += record.body.length;
  }
  return bytes;
}

/** Writes what comes before the body; returns where that begins. */
function writeHead(bytes: Buffer, at: number, { head, body }: SegmentRecord): number {
  const headBytes = bytes.write(head, at + LENGTHS_BYTES);
  bytes.writeUInt32BE(headBytes, at);
  bytes.writeUInt32BE(body.length, at + 4);
  return at + LENGTHS_BYTES + headBytes;
}

/** The records of a group; `undefined` where it does not open. */
export function openGroup(
  seal: RecordSeal,
  number: number,
  group: Buffer,
): readonly SegmentRecord[] | undefined {
  const plaintext = seal.open(number, group.subarray(GROUP_HEAD_BYTES));
  if (plaintext === undefined) return undefined;
  const records: SegmentRecord[] = [];
  let at = 0;
  while (at < plaintext.length) {
    const bodyAt = at + LENGTHS_BYTES + plaintext.readUInt32BE(at);
    const end = bodyAt + plaintext.readUInt32BE(at + 4);
    const head = plaintext.toString('utf8', at + LENGTHS_BYTES, bodyAt);
    records.push({ head, body: plaintext.subarray(bodyAt, end) });
    at = end;
  }
  return records;
}

/** How many records a group says that it has; never more than find room in it. */
export function countIn(group: Buffer): number {
  return Math.min(group.readUInt32BE(4), Math.floor((group.readUInt32BE(0) - TAG_BYTES) / LENGTHS_BYTES));
}

/** Where the group at `at` ends; not a number when what tells it is not all there, or tells nothing. */
export function groupEnd(bytes: Buffer, at: number): number | 'short' | 'damaged' {
  if (at + GROUP_HEAD_BYTES > bytes.length) return 'short';
  const length = bytes.readUInt32BE(at);
  if (length < TAG_BYTES || length > MAX_SEALED_BYTES) return 'damaged';
  return at + GROUP_HEAD_BYTES + length;
}
