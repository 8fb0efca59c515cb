import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

/** A source of unguessable bytes; injected so that tests can repeat themselves. */
export type RandomBytes = (size: number) => Uint8Array;

/** What is stored in place of a secret: SHA-256, in hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** How a token is named in events and logs: the first 8 hex digits of its SHA-256. */
export function fingerprint(secret: string): string {
  return hashSecret(secret).slice(0, 8);
}

/** A fresh secret of 256 bits, in URL-safe text. */
export function newSecret(prefix: string, random: RandomBytes): string {
  return prefix + Buffer.from(random(32)).toString('base64url');
}

/** A fresh public identifier of 128 bits. */
export function newId(prefix: string, random: RandomBytes): string {
  return prefix + Buffer.from(random(16)).toString('hex');
}

const SEAL = 'aes-256-gcm';

function sealingKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'kilometers local-api sealed answer', 32));
}

/** Encrypts `text` so that only a holder of `secret`, which is itself never stored, can read it. */
export function seal(text: string, secret: string): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv(SEAL, sealingKey(secret), nonce);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** The inverse of {@link seal}. */
export function unseal(sealed: Uint8Array, secret: string): string {
  const decipher = createDecipheriv(SEAL, sealingKey(secret), sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
}
