import type { AuthToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/**
 * `token`, for a format whose reader sends it as a bearer token.
 *
 * @throws {CliError} where it is bound to a key: every server would refuse it without a proof.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7.1 | RFC 9449 §7.1}
 */
export function unboundToken(token: AuthToken, format: 'k8s' | 'aws' | 'git' | 'docker'): AuthToken {
  if (token.proofKey === undefined) return token;
  throw new CliError(
    `the token is bound to a key, and --format ${format} has no place for the proof of it: use --format dpop-header, or log in without --dpop`,
    { exitCode: EXIT.failed },
  );
}
