import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/** New keys, read from what was made: Node 20 may wait for ever where the object that was made is exported as a JWK. */
export function newKeyPair(type: 'ec' | 'rsa') {
  const made =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKey = createPrivateKey(made.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return { publicKey: createPublicKey(privateKey), privateKey };
}
