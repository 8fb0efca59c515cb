import { hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { deriveKey } from '../src/caches/file/cache-key.js';

test('the key is what HKDF-SHA-256 of Node makes of the same secret, salt and info', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 80 }),
      // Beyond the block of the digest, too.
      fc.string({ maxLength: 150, size: 'max' }),
      fc.string(),
      (secret, salt, info) => {
        expect(deriveKey(Buffer.from(secret), salt, info)).toEqual(
          Buffer.from(hkdfSync('sha256', secret, salt, info, 32)),
        );
      },
    ),
  );
});
