import { createCipheriv, randomBytes } from 'node:crypto';
import {
  ENTRY_BYTES,
  HEADER_BYTES,
  NONCE_BYTES,
  prefix,
  recordAad,
  TAG_BYTES,
  type SealedRecord,
} from './sealed-format.js';

/** Seals a plaintext under a fresh nonce. */
export function sealRecord(key: Buffer, id: Buffer, plaintext: Buffer): SealedRecord {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(recordAad(prefix(key), id));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { id, nonce, tag: cipher.getAuthTag(), ciphertext };
}

/** The whole file. */
export function sealFile(key: Buffer, records: readonly SealedRecord[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  prefix(key).copy(header);
  header.writeUInt32BE(records.length, 16);
  randomBytes(NONCE_BYTES).copy(header, 20);
  const index = Buffer.alloc(records.length * ENTRY_BYTES);
  let offset = HEADER_BYTES + index.length;
  records.forEach((record, position) => {
    const at = position * ENTRY_BYTES;
    record.id.copy(index, at);
    index.writeUInt32BE(offset, at + 16);
    index.writeUInt32BE(record.ciphertext.length, at + 20);
    record.nonce.copy(index, at + 24);
    record.tag.copy(index, at + 36);
    offset += record.ciphertext.length;
  });
  const cipher = createCipheriv('aes-256-gcm', key, header.subarray(20, 32), { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.concat([header.subarray(0, 32), index]));
  cipher.final();
  cipher.getAuthTag().copy(header, 32);
  return Buffer.concat([header, index, ...records.map((record) => record.ciphertext)]);
}
