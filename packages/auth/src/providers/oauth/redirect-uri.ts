import { isLoopback } from '../../api-origin.js';
import { AuthError } from '../../auth-error.js';

/** The address of one's own to which a browser brings the answer where nothing else is registered. */
export const DEFAULT_REDIRECT_URI = 'http://127.0.0.1/callback';

/**
 * Parses the address to which the browser comes back: on this machine, and at any free port where none is named.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when it is no such address.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8252#section-7.3 | RFC 8252 §7.3}
 */
export function parseRedirectUri(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url !== undefined && isPlain && url.protocol === 'http:' && isLoopback(url.hostname)) return url;
  throw new AuthError(
    'KM_AUTH_INVALID_OPTION',
    `the redirect URI ${JSON.stringify(text)} does not lead to this machine: give one such as ${DEFAULT_REDIRECT_URI} or http://localhost:8400/callback, as it is registered for the client`,
  );
}
