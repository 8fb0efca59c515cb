import { AuthError } from './auth-error.js';

/** Where the hosted service is. */
export const DEFAULT_API_ENDPOINT = 'https://api.kilometers.ai';

/**
 * Whether `hostname`, as `URL` spells it, names this machine only: `localhost`, or an address of loopback. A name under
 * `localhost` should, but not every resolver keeps it from the DNS, which could send it anywhere.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6761#section-6.3 | RFC 6761 §6.3}
 */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** What an endpoint is called in messages that a user reads, unless it is told. */
const API_ENDPOINT = 'the API endpoint';

/**
 * Parses an endpoint that tokens may be sent to: https, or plain http to loopback. `name` is what messages call it;
 * default `the API endpoint`.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when it is no URL; `KM_AUTH_INSECURE_ENDPOINT` when
 *   tokens would travel in the clear.
 */
export function parseEndpoint(text: string, name = API_ENDPOINT): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    const such = name === API_ENDPOINT ? DEFAULT_API_ENDPOINT : 'https://example.com';
    throw new AuthError(
      'KM_AUTH_INVALID_OPTION',
      `${name} ${JSON.stringify(text)} is not a URL: give one such as ${such}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new AuthError(
      'KM_AUTH_INVALID_OPTION',
      `${name} ${url.origin} has a user name or a password in it: leave them out`,
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new AuthError(
      'KM_AUTH_INSECURE_ENDPOINT',
      `${name} ${url.origin} is plain http, which would show tokens to the network: use https (http is for loopback only: localhost, 127.0.0.1 or [::1])`,
    );
  }
  return url;
}

/** `path` under `endpoint`, keeping a path the endpoint has of its own. */
export function urlUnder(endpoint: URL, path: string): URL {
  return new URL(endpoint.pathname.replace(/\/+$/, '') + path, endpoint);
}
