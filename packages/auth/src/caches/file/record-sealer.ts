import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { keyIdOf } from './sealed-format.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals the records of one file, each with its number, under a key that only this file has. */
export type RecordSeal = {
  /**
   * The sealed record, 16 bytes longer than the plaintext: both in pieces, of which nothing is copied. No number may be
   * used twice: each is a nonce.
   */
  readonly seal: (number: number, plaintext: readonly Uint8Array[]) => readonly Buffer[];
  /** The plaintext, or `undefined` where it does not open: damaged, of another number, file or key. */
  readonly open: (number: number, sealed: Uint8Array) => Buffer | undefined;
};

/** Makes the seals of files that are kept apart from the cache, under the cache's key. */
export type RecordSealer = {
  /** Names the key, in 4 bytes: only a sealer with the same one opens what this one sealed. */
  readonly keyId: Buffer;
  /**
   * The seal of one file.
   *
   * @param purpose what kind of file it is, so that none is taken for one of another kind.
   * @param salt at least 16 random bytes, drawn for this file and kept in it.
   */
  readonly sealFor: (purpose: string, salt: Uint8Array) => RecordSeal;
};

/** AES-256-GCM; the file's key is HKDF-SHA-256 of `cacheKey`, the record's number is its nonce. */
export function createRecordSealer(cacheKey: Buffer): RecordSealer {
  return {
    keyId: keyIdOf(cacheKey),
    sealFor(purpose, salt) {
      const key = Buffer.from(hkdfSync('sha256', cacheKey, salt, `kilometers ${purpose}`, KEY_BYTES));
      return {
        seal(number, plaintext) {
          const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number), { authTagLength: TAG_BYTES });
          const sealed = plaintext.map((piece) => cipher.update(piece));
          // As long as what it is made of: there is nothing left to come.
          cipher.final();
          return [...sealed, cipher.getAuthTag()];
        },
        open(number, sealed) {
          if (sealed.length < TAG_BYTES) return undefined;
          const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number), {
            authTagLength: TAG_BYTES,
          });
          decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
          try {
            const text = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
            decipher.final();
            return text;
          } catch {
            return undefined;
          }
        },
      };
    },
  };
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(number), NONCE_BYTES - 8);
  return nonce;
}
