import { sealFile, sealRecord } from '../file/sealing.js';
import {
  entriesOf,
  FORMAT_VERSION,
  indexEnd,
  isSealWhole,
  keyIdOf,
  openRecord,
  readHeader,
  recordsIn,
} from '../file/sealed-format.js';
import type { RedisSettings } from './redis-settings.js';

/** What a value holds: each part under an id of its own, so that no value is taken for another. */
export type SealedPart = { readonly id: Buffer; readonly plaintext: Buffer };

/** A whole sealed file, as it stands on a disk elsewhere. */
export function sealValue(key: Buffer, parts: readonly SealedPart[]): Buffer {
  return sealFile(
    key,
    parts.map(({ id, plaintext }) => sealRecord(key, id, plaintext)),
  );
}

/**
 * The parts of a value; `undefined` where it is damaged.
 *
 * @throws {AuthError} `KM_AUTH_CACHE` where another key, or a newer version, sealed it: it is somebody's, and not ours.
 */
export function openValue(
  { key, address: { label }, makers }: Pick<RedisSettings, 'key' | 'address' | 'makers'>,
  bytes: Buffer,
): readonly SealedPart[] | undefined {
  const header = readHeader(bytes);
  if (header === undefined) return undefined;
  if (header.version !== FORMAT_VERSION) {
    throw makers.createError(
      'KM_AUTH_CACHE',
      `what is kept in Redis at ${label} was written by a newer version and is left alone: update this program`,
    );
  }
  if (!header.keyId.equals(keyIdOf(key))) {
    throw makers.createError(
      'KM_AUTH_CACHE',
      `what is kept in Redis at ${label} was sealed with another key and is left alone: give KM_CACHE_KEY the key ` +
        'that the others have, or KM_CACHE_URL another database',
    );
  }
  const end = indexEnd(recordsIn(bytes));
  if (end === undefined || end > bytes.length || !isSealWhole(key, bytes, end)) return undefined;
  const parts = entriesOf(bytes, end).map((entry) => {
    const ciphertext = bytes.subarray(entry.offset, entry.offset + entry.length);
    const plaintext = openRecord(key, { ...entry, ciphertext });
    return plaintext === undefined ? undefined : { id: entry.id, plaintext };
  });
  return parts.every((part) => part !== undefined) ? parts : undefined;
}
