import { createHash } from 'node:crypto';
import type { RecordSealer } from '@kilometers/auth';

/*
 * A segment, byte by byte (integers are big-endian):
 *
 *   0   4  magic "KMSQ"
 *   4   2  format version
 *   6   2  reserved, 0
 *   8   4  key id
 *  12  16  salt: random, of this segment alone
 *  28   4  check: the first bytes of SHA-256 of bytes 0 to 27
 *  32   …  groups of records, which are counted from 0
 *
 * It only grows. Record 0 says what the segment is for. What was cut off in the middle of a group ends there.
 */
const MAGIC = Buffer.from('KMSQ');
const VERSION = 2;
const CHECKED_BYTES = 28;
export const SEGMENT_HEADER_BYTES = 32;
export const SALT_BYTES = 16;

/** What kind of segment: each has keys of its own. */
export type SegmentPurpose = 'queue of events' | 'queue of revocations' | 'prelude of a session';

/** What the first bytes of a file say. */
export type SegmentHeader =
  | { readonly kind: 'segment'; readonly keyId: Buffer; readonly salt: Buffer }
  /** Of a version that this program does not know. */
  | { readonly kind: 'newer' }
  | { readonly kind: 'damaged' }
  /** Not written whole yet, or never. */
  | { readonly kind: 'short' };

function checkOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(0, CHECKED_BYTES)).digest().subarray(0, 4);
}

export function encodeSegmentHeader({ keyId }: Pick<RecordSealer, 'keyId'>, salt: Buffer): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, 4);
  keyId.copy(bytes, 8);
  salt.copy(bytes, 12);
  checkOf(bytes).copy(bytes, CHECKED_BYTES);
  return bytes;
}

export function parseSegmentHeader(bytes: Buffer): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) {
    const isBeginning = MAGIC.subarray(0, bytes.length).equals(bytes.subarray(0, MAGIC.length));
    return { kind: isBeginning ? 'short' : 'damaged' };
  }
  const isChecked = checkOf(bytes).equals(bytes.subarray(CHECKED_BYTES, SEGMENT_HEADER_BYTES));
  if (!bytes.subarray(0, 4).equals(MAGIC) || !isChecked) return { kind: 'damaged' };
  const version = bytes.readUInt16BE(4);
  // Version 1 was never released.
  if (version !== VERSION) return { kind: version > VERSION ? 'newer' : 'damaged' };
  return { kind: 'segment', keyId: bytes.subarray(8, 12), salt: bytes.subarray(12, CHECKED_BYTES) };
}
