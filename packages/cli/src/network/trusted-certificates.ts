import { readFileSync } from 'node:fs';
import tls from 'node:tls';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whom TLS trusts: whom Node trusts, and those in `SSL_CERT_FILE`. `undefined` where that is Node's own choice, which
 * has `NODE_EXTRA_CA_CERTS` in it.
 *
 * @throws {Error} where the file cannot be read, or has no certificate.
 */
export function trustedCertificates(environment: Environment): readonly string[] | undefined {
  const file = environment['SSL_CERT_FILE']?.trim() ?? '';
  if (file === '') return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`SSL_CERT_FILE cannot be read: ${why}`, { cause: error });
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----') && !text.includes('-----BEGIN TRUSTED CERTIFICATE-----'))
    throw new Error(`SSL_CERT_FILE has no certificate in it: ${file} must have them as PEM`);
  return [...trustedByNode(environment), text];
}

/** A list of one's own replaces Node's, so that it has to have all that is in Node's. */
function trustedByNode(environment: Environment): readonly string[] {
  if ('getCACertificates' in tls && typeof tls.getCACertificates === 'function')
    return (tls.getCACertificates as (type: string) => readonly string[])('default');
  const extra = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  if (extra === '') return tls.rootCertificates;
  try {
    return [...tls.rootCertificates, readFileSync(extra, 'utf8')];
  } catch {
    // Node has said so when it started, and goes on without.
    return tls.rootCertificates;
  }
}
