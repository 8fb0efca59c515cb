import { createPrivateKey, webcrypto, type JsonWebKey, type KeyObject } from 'node:crypto';
import { fileError, readKeyMaterial } from './key-material.js';
import type { SigningKey } from './oauth-options.js';

/** A private key, ready to sign, and what its file says besides. */
export type LoadedKey = {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: string;
  readonly keyId: string | undefined;
  /** Of a Google service account: whose key it is. */
  readonly email: string | undefined;
};

const WHAT = 'signing key';

type KeyFile = {
  readonly material: string | JsonWebKey;
  readonly algorithm?: string | undefined;
  readonly keyId?: string | undefined;
  readonly email?: string | undefined;
};

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** PEM as it is; of JSON a JWK, or the key in a service account's file. */
function parseKeyFile(text: string): KeyFile | undefined {
  if (!text.trimStart().startsWith('{')) return { material: text };
  try {
    const members = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const pem = textOf(members['private_key']);
    if (pem !== undefined)
      return {
        material: pem,
        keyId: textOf(members['private_key_id']),
        email: textOf(members['client_email']),
      };
    return { material: members, algorithm: textOf(members['alg']), keyId: textOf(members['kid']) };
  } catch {
    return undefined;
  }
}

function openKey(material: KeyFile['material']): KeyObject | undefined {
  try {
    return typeof material === 'string'
      ? createPrivateKey(material)
      : createPrivateKey({ key: material, format: 'jwk' });
  } catch {
    return undefined;
  }
}

const BY_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** What a key signs with where nobody says. */
function defaultAlgorithm({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  switch (asymmetricKeyType) {
    case 'rsa':
      return 'RS256';
    case 'ec':
      return BY_CURVE[asymmetricKeyDetails?.namedCurve ?? ''];
    case 'ed25519':
      return 'Ed25519';
    default:
      return undefined;
  }
}

/** @see {@link https://www.rfc-editor.org/rfc/rfc7518#section-3.1 | RFC 7518 §3.1} */
function importParameters(
  algorithm: string,
): webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | { name: string } | undefined {
  const hash = `SHA-${algorithm.slice(2)}`;
  switch (algorithm) {
    case 'RS256':
    case 'RS384':
    case 'RS512':
      return { name: 'RSASSA-PKCS1-v1_5', hash };
    case 'PS256':
    case 'PS384':
    case 'PS512':
      return { name: 'RSA-PSS', hash };
    case 'ES256':
    case 'ES384':
      return { name: 'ECDSA', namedCurve: `P-${algorithm.slice(2)}` };
    case 'ES512':
      return { name: 'ECDSA', namedCurve: 'P-521' };
    case 'EdDSA':
    case 'Ed25519':
      return { name: 'Ed25519' };
    default:
      return undefined;
  }
}

/**
 * Reads a private key: PEM (PKCS #8, PKCS #1, SEC 1), a JWK, or a Google service account's file.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when there is none, or it cannot sign with this algorithm.
 */
export async function loadSigningKey({ keyFile, ...given }: SigningKey): Promise<LoadedKey> {
  const parsed = parseKeyFile(await readKeyMaterial(WHAT, keyFile));
  const opened = parsed === undefined ? undefined : openKey(parsed.material);
  if (parsed === undefined || opened === undefined)
    throw fileError(WHAT, keyFile, 'it has no private key without a passphrase, as PEM or as a JWK');
  const algorithm = given.algorithm ?? parsed.algorithm ?? defaultAlgorithm(opened);
  const parameters = algorithm === undefined ? undefined : importParameters(algorithm);
  if (algorithm === undefined || parameters === undefined)
    throw fileError(
      WHAT,
      keyFile,
      `keys of this kind sign no JWT here (${algorithm ?? opened.asymmetricKeyType ?? 'unknown'})`,
    );
  try {
    const pkcs8 = opened.export({ type: 'pkcs8', format: 'der' });
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, parameters, false, ['sign']);
    return { key, algorithm, keyId: given.keyId ?? parsed.keyId, email: parsed.email };
  } catch (error) {
    throw fileError(WHAT, keyFile, `it cannot sign with ${algorithm}: name an algorithm that fits it`, error);
  }
}
