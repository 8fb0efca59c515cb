import { existsSync } from 'node:fs';
import { TransportError } from '@kilometers/auth';
import { isSet } from '../is-set.js';
import { messageOf } from '../message-of.js';
import { failed, ok, warning, type HealthCheck } from './health-check.js';

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What is wrong with how a server proves who it is; `undefined` where it failed for another reason. */
export function certificateFlaw(error: unknown, { hostname, protocol }: URL): HealthCheck | undefined {
  if (protocol !== 'https:') return undefined;
  const cause = error instanceof TransportError && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (UNTRUSTED.has(code)) {
    const remedy =
      'where a company proxy or a private CA signs it, put its certificate into NODE_EXTRA_CA_CERTS';
    return failed('tls', `nobody that is trusted here signed the certificate (${code})`, remedy);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failed('tls', `the certificate is not for ${hostname}`, 'correct its address');
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return failed(
      'tls',
      `the certificate's time is not now (${code})`,
      "check this machine's clock; tell the server's owner",
    );
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code))
    return failed('tls', messageOf(cause), 'see whether https is spoken at this port');
  // What is read before anything is sent.
  const ownFile = /^(SSL_CERT_FILE) /.exec(messageOf(cause))?.[1];
  return ownFile === undefined
    ? undefined
    : failed('tls', messageOf(cause), `correct ${ownFile}, or unset it`);
}

/** By whom a certificate may be signed. */
export function trustCheck(url: URL, environment: NodeJS.ProcessEnv): HealthCheck {
  if (url.protocol !== 'https:') return ok('tls', 'none: the server is on this machine');
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const detail = 'NODE_TLS_REJECT_UNAUTHORIZED=0: anybody can pretend to be the server, and get tokens';
    return warning('tls', detail, 'unset it; NODE_EXTRA_CA_CERTS is for certificates of your own');
  }
  const extra = environment['NODE_EXTRA_CA_CERTS'] ?? '';
  if (extra !== '' && !existsSync(extra))
    return warning('tls', `NODE_EXTRA_CA_CERTS names ${extra}, which is not there`, 'correct or unset it');
  const own = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].filter((name) => isSet(environment, name));
  const besides = own.length === 0 ? '' : `, and by ${own.join(' and ')}`;
  return ok('tls', `the certificate is trusted, by Node.js's own list${besides}`);
}
