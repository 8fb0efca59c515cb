import { createDecipheriv, hash } from 'node:crypto';

/*
 * A sealed file, byte by byte (integers are big-endian):
 *
 *   0   4  magic "KMSF"
 *   4   2  format version
 *   6   2  reserved, 0
 *   8   4  key id: the first bytes of SHA-256 of the key
 *  12   4  check: the first bytes of SHA-256 of bytes 0 to 11; every version keeps this prefix
 *  16   4  number of records, n
 *  20  12  nonce of the seal
 *  32  16  tag of the seal: AES-256-GCM over nothing, with bytes 0 to 31 and the index as associated data
 *  48  56n index: record id (16), offset (4), length (4), nonce (12), tag (16), reserved (4)
 *   …      the records' ciphertexts, AES-256-GCM, each with bytes 0 to 11 and its id as associated data
 *
 * The seal covers every record's tag, so that records cannot be swapped, dropped or mixed with older ones;
 * and one record can be opened without reading the others.
 */
const MAGIC = Buffer.from('KMSF');
export const FORMAT_VERSION = 1;
const PREFIX_BYTES = 16;
export const HEADER_BYTES = 48;
export const ENTRY_BYTES = 56;
export const ID_BYTES = 16;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
/** What is authenticated with each record. */
const RECORD_AAD_BYTES = 12;
/** More records than a user can have; guards against a length that was tampered with. */
const MAX_RECORDS = 100_000;

/** One record as it stands in the file. */
export type SealedRecord = {
  readonly id: Buffer;
  readonly nonce: Buffer;
  readonly tag: Buffer;
  readonly ciphertext: Buffer;
};

/** Where a record is. */
export type IndexEntry = Omit<SealedRecord, 'ciphertext'> & {
  readonly offset: number;
  readonly length: number;
};

export type Header = { readonly version: number; readonly keyId: Buffer };

export function keyIdOf(key: Buffer): Buffer {
  return hash('sha256', key, 'buffer').subarray(0, 4);
}

/** The first bytes of every file that a key seals: made once for each. */
const prefixes = new WeakMap<Buffer, Buffer>();

export function prefix(key: Buffer): Buffer {
  const made = prefixes.get(key);
  if (made !== undefined) return made;
  const bytes = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt16BE(FORMAT_VERSION, 4);
  keyIdOf(key).copy(bytes, 8);
  hash('sha256', bytes.subarray(0, 12), 'buffer').copy(bytes, 12, 0, 4);
  prefixes.set(key, bytes);
  return bytes;
}

/** Whether these bytes begin a file of this version that `key` sealed. */
export function isSealedBy(key: Buffer, bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && prefix(key).compare(bytes, 0, PREFIX_BYTES) === 0;
}

/** How many records a sealed file says that it has. */
export function recordsIn(bytes: Buffer): number {
  return bytes.readUInt32BE(16);
}

/** The header, or `undefined` when these bytes do not begin a sealed file of any version. */
export function readHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC)) return undefined;
  const check = hash('sha256', bytes.subarray(0, 12), 'buffer').subarray(0, 4);
  if (!bytes.subarray(12, PREFIX_BYTES).equals(check)) return undefined;
  return { version: bytes.readUInt16BE(4), keyId: bytes.subarray(8, 12) };
}

/** Bytes of header and index, or `undefined` when no file has that many records. */
export function indexEnd(records: number): number | undefined {
  return records <= MAX_RECORDS ? HEADER_BYTES + records * ENTRY_BYTES : undefined;
}

/** Whether the seal of header and index holds. `bytes` begins the file and has the whole index. */
export function isSealWhole(key: Buffer, bytes: Buffer, end: number): boolean {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(20, 32), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([bytes.subarray(0, 32), bytes.subarray(HEADER_BYTES, end)]));
  decipher.setAuthTag(bytes.subarray(32, HEADER_BYTES));
  try {
    decipher.final();
    return true;
  } catch {
    return false;
  }
}

function entryAt(bytes: Buffer, at: number): IndexEntry {
  return {
    id: bytes.subarray(at, at + ID_BYTES),
    offset: bytes.readUInt32BE(at + 16),
    length: bytes.readUInt32BE(at + 20),
    nonce: bytes.subarray(at + 24, at + 36),
    tag: bytes.subarray(at + 36, at + 52),
  };
}

/** The entries of an index whose seal holds. */
export function entriesOf(bytes: Buffer, end: number): readonly IndexEntry[] {
  return Array.from({ length: (end - HEADER_BYTES) / ENTRY_BYTES }, (_, position) =>
    entryAt(bytes, HEADER_BYTES + position * ENTRY_BYTES),
  );
}

/** The entry of a record in an index whose seal holds. The others are not looked at closely: there may be many. */
export function findEntry(bytes: Buffer, end: number, id: Buffer): IndexEntry | undefined {
  for (let at = HEADER_BYTES; at < end; at += ENTRY_BYTES) {
    if (id.compare(bytes, at, at + ID_BYTES) === 0) return entryAt(bytes, at);
  }
  return undefined;
}

export function recordAad(prefixBytes: Buffer, id: Buffer): Buffer {
  return Buffer.concat([prefixBytes.subarray(0, RECORD_AAD_BYTES), id]);
}

/** The plaintext of a record, or `undefined` when it does not open. */
export function openRecord(key: Buffer, record: SealedRecord): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, record.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(recordAad(prefix(key), record.id));
  decipher.setAuthTag(record.tag);
  try {
    const plaintext = decipher.update(record.ciphertext);
    // As long as what it was made of: there is nothing left to come, but the word that it is whole.
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}
