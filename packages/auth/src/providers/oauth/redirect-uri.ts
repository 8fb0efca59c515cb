import { isLoopback } from '../../api-origin.js';
import { AuthError } from '../../auth-error.js';

/** The address of one's own to which a browser brings the answer where nothing else is registered. */
export const DEFAULT_REDIRECT_URI = 'http://127.0.0.1/callback';

/** An address of this machine, to which a browser comes back. */
export type RedirectUri = {
  /** What a server listens on. */
  readonly address: string;
  /** `undefined` where any free one will do. */
  readonly port: number | undefined;
  /** As it was written, at `port`: issuers compare it with what is registered letter by letter. */
  readonly at: (port: number) => string;
};

/** What is before the port, the port, and what is after it. */
const PARTS = /^(http:\/\/(?:\[[^\]]*\]|[^:/?#\\@]*))(?::(\d*))?((?:[/?#].*)?)$/i;

/**
 * Parses the address to which the browser comes back: on this machine, and at any free port where none is named.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when it is no such address.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8252#section-7.3 | RFC 8252 §7.3}
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2.3 | RFC 6749 §3.1.2.3}
 */
export function parseRedirectUri(text: string): RedirectUri {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const [, before = '', port = '', after = ''] = PARTS.exec(text) ?? [];
  const isPlain = before !== '' && url?.search === '' && url.hash === '';
  if (url === undefined || !isPlain || !isLoopback(url.hostname))
    throw new AuthError(
      'KM_AUTH_INVALID_OPTION',
      `the redirect URI ${JSON.stringify(text)} does not lead to this machine: give one such as ${DEFAULT_REDIRECT_URI} or http://localhost:8400/callback, as it is registered for the client`,
    );
  // To listen on port 0 is to take any.
  const isAnyPort = Number(port) === 0;
  return {
    address: addressOf(url.hostname),
    port: isAnyPort ? undefined : Number(port),
    at: (bound) => `${before}:${isAnyPort ? String(bound) : port}${after}`,
  };
}

/** Of a name it is the address that browsers try where the other does not answer. */
function addressOf(hostname: string): string {
  if (hostname === '[::1]') return '::1';
  return hostname.startsWith('127.') ? hostname : '127.0.0.1';
}
