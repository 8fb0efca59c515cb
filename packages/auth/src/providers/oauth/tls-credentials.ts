import type { TlsCredentials } from '../http-transport.js';
import { readKeyMaterial } from './key-material.js';
import type { ClientAuthentication } from './oauth-options.js';

/**
 * What a connection shows of a client that authenticates by certificate; nothing for any other.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when a file cannot be read.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8705#section-2 | RFC 8705 §2}
 */
export async function tlsCredentials(
  authentication: ClientAuthentication,
): Promise<TlsCredentials | undefined> {
  if (authentication.method !== 'tls_client_auth') return undefined;
  const { certificateFile, keyFile, caFile } = authentication;
  const [cert, key, ca] = await Promise.all([
    readKeyMaterial('client certificate', certificateFile),
    readKeyMaterial('key of the client certificate', keyFile),
    caFile === undefined ? undefined : readKeyMaterial('certificate of the authority', caFile),
  ]);
  if (ca === undefined) return { cert, key };
  const { rootCertificates } = process.getBuiltinModule('node:tls');
  return { cert, key, ca: [...rootCertificates, ca] };
}
