import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { Secret } from './secret.js';

/** How proofs are signed: the one algorithm that every server with DPoP takes. */
export const PROOF_ALGORITHM = 'ES256';

/** What a proof is for. */
export type ProofContext = {
  /** Of the request, as in `GET`. */
  readonly method: string;
  /** Of the request; its query and fragment are left out. */
  readonly url: string | URL;
  /** The token that is sent beside the proof; absent at a token endpoint. */
  readonly accessToken?: string | undefined;
  /** What the server that is asked told last. */
  readonly nonce?: string | undefined;
  /** That server's time, as far as is known, in milliseconds since the epoch. */
  readonly nowMs: number;
};

type OpenedKey = { readonly key: KeyObject; readonly publicJwk: Readonly<Record<string, unknown>> };

/** A key is read from its text once. */
const opened = new WeakMap<Secret, OpenedKey>();

function open(proofKey: Secret): OpenedKey {
  const known = opened.get(proofKey);
  if (known !== undefined) return known;
  const jwk = JSON.parse(proofKey.reveal()) as JsonWebKey;
  const { kty, crv, x, y } = jwk as Readonly<Record<string, string>>;
  const found = { key: createPrivateKey({ key: jwk, format: 'jwk' }), publicJwk: { kty, crv, x, y } };
  opened.set(proofKey, found);
  return found;
}

/**
 * Has Node write a key as it makes it. Node 20 waits for ever where a key is exported by itself while garbage is
 * collected that its making left.
 */
const AS_JWK = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };

/** A new key to bind tokens to, as a JWK in JSON. */
export function createProofKey(): Secret {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', ...AS_JWK });
  return new Secret(JSON.stringify(privateKey));
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * A proof that whoever sends a request has the key to which its token is bound. Good for that request, once.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-4.2 | RFC 9449 §4.2}
 */
export function createProof(proofKey: Secret, context: ProofContext): string {
  const { key, publicJwk } = open(proofKey);
  const { accessToken, nonce } = context;
  const { origin, pathname } = new URL(context.url);
  const signed = [
    encoded({ typ: 'dpop+jwt', alg: PROOF_ALGORITHM, jwk: publicJwk }),
    encoded({
      jti: randomUUID(),
      htm: context.method,
      htu: origin + pathname,
      iat: Math.floor(context.nowMs / 1_000),
      ...(accessToken !== undefined && {
        ath: createHash('sha256').update(accessToken).digest('base64url'),
      }),
      ...(nonce !== undefined && { nonce }),
    }),
  ].join('.');
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}
