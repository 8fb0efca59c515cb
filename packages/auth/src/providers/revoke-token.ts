import { parseEndpoint, urlUnder } from '../api-origin.js';
import { isMarkup } from '../portal-page.js';
import type { Secret } from '../secret.js';
import { createNodeTransport, TransportError, type HttpTransport } from './http-transport.js';

/** Where {@link revokeToken} tells it, and how patiently. */
export type RevokeTokenOptions = {
  /** Base URL of the API; https, or http to loopback. */
  readonly apiEndpoint: string;
  /** How long connecting, and then the answer, may take, in milliseconds. Default 3 000. */
  readonly timeoutMs?: number;
  /** What sends the request. Default: a {@link createNodeTransport} of its own. */
  readonly transport?: HttpTransport;
};

/** A token to end, and what kind it is. */
export type RevocableToken = {
  /** A {@link Secret} or an {@link AuthToken}. */
  readonly token: Pick<Secret, 'reveal'>;
  readonly kind: 'refresh_token' | 'access_token';
};

const REVOKE_PATH = '/api/auth/revoke';
const TIMEOUT_MS = 3_000;

/**
 * Tells the Kilometers API to end a token before its time. A refresh token ends with its whole family.
 * Resolves with whether the API has taken it, which the page of a captive portal does not say; never follows a redirect,
 * never tries again.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` or `KM_AUTH_INSECURE_ENDPOINT` for a wrong `apiEndpoint`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.2 | RFC 7009 §2.2}
 */
export async function revokeToken(
  { token, kind }: RevocableToken,
  { apiEndpoint, timeoutMs = TIMEOUT_MS, transport = createNodeTransport() }: RevokeTokenOptions,
): Promise<boolean> {
  const url = urlUnder(parseEndpoint(apiEndpoint), REVOKE_PATH);
  try {
    const { status, text } = await transport({
      url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ token: token.reveal(), token_type_hint: kind }),
      timeoutMs,
      answerTimeoutMs: timeoutMs,
    });
    return status >= 200 && status < 300 && !isMarkup(text);
  } catch (error) {
    if (error instanceof TransportError) return false;
    throw error;
  }
}
