import { createDpopHeaders, parseEndpoint, type AuthToken } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';

/** The request that a proof is for. */
export type ProvedRequest = {
  readonly url: string;
  /** Default `GET`. */
  readonly method?: string | undefined;
  /** What the server told last in `DPoP-Nonce`. */
  readonly nonce?: string | undefined;
};

/**
 * Checks what was given before a token is asked for. A token is shown to no server by plain http, nor is a proof.
 *
 * @throws {CliError} for wrong usage; {AuthError} `KM_AUTH_INSECURE_ENDPOINT` or `KM_AUTH_INVALID_OPTION` for a URL that
 *   no token may go to.
 */
export function provedRequest(flags: Partial<ProvedRequest>): ProvedRequest {
  const { url, method = 'GET', nonce } = flags;
  if (url === undefined)
    throw new CliError('--format dpop-header needs the --url of the request: a proof is for one URL', {
      exitCode: EXIT.usage,
    });
  parseEndpoint(url, '--url');
  if (!/^[A-Za-z]+$/.test(method))
    throw new CliError(`--method ${JSON.stringify(method)} is no HTTP method: give one such as POST`, {
      exitCode: EXIT.usage,
    });
  return { url, method: method.toUpperCase(), nonce };
}

/**
 * The headers of one request with a token that is bound to a key, a line each.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when the token is bound to no key.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7.1 | RFC 9449 §7.1}
 */
export function dpopHeader(
  token: AuthToken,
  { url, method = 'GET', nonce }: ProvedRequest,
  nowMs: number,
): string {
  const { authorization, dpop } = createDpopHeaders(token, { url, method, nonce, nowMs });
  return `Authorization: ${authorization}\nDPoP: ${dpop}`;
}
