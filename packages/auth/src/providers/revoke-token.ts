import { parseEndpoint, urlUnder } from '../api-origin.js';
import { isMarkup } from '../portal-page.js';
import type { RevocableToken } from '../ports.js';
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

const REVOKE_PATH = '/api/auth/revoke';
const TIMEOUT_MS = 3_000;

/** As in `late-providers.ts`, which loads this. */
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
