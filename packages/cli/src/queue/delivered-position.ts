import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { notePath, type Noted } from './segment-notes.js';
import type { RecordPosition } from './segment-writer.js';

/*
 * Up to where a segment is delivered: `NAME.position`, beside it. Offset (8), number (8), records before it in its group
 * (4), whether something before did not open (1), and the first 7 bytes of the SHA-256 of these. It is not put on the disk by force: without it, or with
 * an older one, events are sent again, and the API knows them by their ids.
 */
const CHECKED_BYTES = 21;
const BYTES = 28;

/** How far a segment is delivered, and whether a part of it did not open. */
export type DeliveredPosition = { readonly end: RecordPosition; readonly isDamaged: boolean };

function checkOf(bytes: Buffer): Buffer {
  const hash = createHash('sha256').update(bytes.subarray(0, CHECKED_BYTES)).digest();
  return hash.subarray(0, BYTES - CHECKED_BYTES);
}

/** `undefined` where nothing was delivered yet, or it cannot be told. */
export async function readPosition(segment: Noted): Promise<DeliveredPosition | undefined> {
  const bytes = await readFile(notePath(segment, 'position')).catch(() => Buffer.alloc(0));
  if (bytes.length !== BYTES || !checkOf(bytes).equals(bytes.subarray(CHECKED_BYTES))) return undefined;
  const [offset, number] = [bytes.readBigUInt64BE(0), bytes.readBigUInt64BE(8)];
  const within = bytes.readUInt32BE(16);
  return { end: { offset: Number(offset), number: Number(number), within }, isDamaged: bytes[20] === 1 };
}

/** Never fails: what is not noted is sent again. */
export async function writePosition(segment: Noted, { end, isDamaged }: DeliveredPosition): Promise<void> {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeBigUInt64BE(BigInt(end.offset), 0);
  bytes.writeBigUInt64BE(BigInt(end.number), 8);
  bytes.writeUInt32BE(end.within, 16);
  bytes.writeUInt8(isDamaged ? 1 : 0, 20);
  checkOf(bytes).copy(bytes, CHECKED_BYTES);
  await writeFile(notePath(segment, 'position'), bytes, { mode: 0o600 }).catch(() => undefined);
}
