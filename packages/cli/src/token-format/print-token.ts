import { createHash } from 'node:crypto';
import type { AuthToken } from '@kilometers/auth';
import { execCredential, wholeSeconds, type AskedAt } from './exec-credential.js';
import { unboundToken } from './unbound-token.js';

/** The formats that are an answer by themselves; git and docker ask in a protocol of their own. */
export type PlainFormat = 'raw' | 'header' | 'json' | 'k8s' | 'aws';

/**
 * What `km auth token` prints, without the new line.
 *
 * @throws {CliError} when the token cannot be used so, or `kubectl` asks for a version that is not known.
 */
export function printToken(
  token: AuthToken,
  format: PlainFormat,
  asked: AskedAt,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  switch (format) {
    case 'raw':
      return token.reveal();
    case 'header':
      return `Authorization: ${token.authorization}`;
    case 'json':
      return JSON.stringify({
        token: token.reveal(),
        type: token.type,
        scopes: token.scopes,
        issuedAt: new Date(token.issuedAtMs).toISOString(),
        expiresAt: new Date(token.expiresAtMs).toISOString(),
      });
    case 'k8s':
      return execCredential(unboundToken(token, format), asked, environment['KUBERNETES_EXEC_INFO']);
    case 'aws':
      return awsCredentials(unboundToken(token, format));
  }
}

/**
 * A token where a `credential_process` is expected. AWS itself knows no bearer tokens: this is for gateways
 * with its protocol, which read the token from `X-Amz-Security-Token` and find the request signed with it.
 *
 * @see {@link https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html | credential_process}
 */
function awsCredentials(token: AuthToken): string {
  const digest = createHash('sha256').update(token.reveal()).digest('hex');
  return JSON.stringify({
    Version: 1,
    // As long as AWS has them, from 16 characters; its first eight digits are the token's fingerprint.
    AccessKeyId: `KM${digest.slice(0, 18).toUpperCase()}`,
    SecretAccessKey: token.reveal(),
    SessionToken: token.reveal(),
    Expiration: wholeSeconds(token.expiresAtMs),
  });
}
