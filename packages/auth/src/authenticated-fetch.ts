import { parseEndpoint } from './api-origin.js';
import { AuthError } from './auth-error.js';
import { untilAborted } from './abortable-wait.js';
import type { AuthManager } from './auth-manager.js';
import type { AuthToken } from './auth-token.js';
import { systemClock } from './clock.js';
import { discardBody } from './discard-body.js';
import { wantsNonce } from './dpop-nonces.js';
import { loadProvedRequests } from './load-proved-requests.js';
import type { ProvedRequests } from './proved-requests.js';
import { isStream } from './request-body.js';
import type { Scope } from './scope.js';

/** `fetch`, as it comes with Node and browsers. */
export type Fetch = typeof fetch;

/** How the requests of {@link createAuthenticatedClient} are sent, and where the token may go. */
export type AuthenticatedClientOptions = {
  /** What sends the requests. Default: the global `fetch`. */
  readonly fetch?: Fetch;
  /** Origins besides the manager's own that may see the token, as URLs: https, or http to loopback. Default: none. */
  readonly allowedOrigins?: readonly string[];
};

/** Whether the API says that the token was revoked, not merely that it is over (RFC 6750 §3.1). */
function saysRevoked(response: Response): boolean {
  return /error_description="?[^"]*token_revoked/i.test(response.headers.get('www-authenticate') ?? '');
}

function originOf(input: string | URL | Request): string {
  const url = input instanceof Request ? input.url : String(input);
  if (!URL.canParse(url)) throw new TypeError(`${JSON.stringify(url)} is not an absolute URL`);
  return new URL(url).origin;
}

/**
 * Whether a redirect led to another origin, where no token goes: a refusal there is no word against the token. The URL
 * alone does not tell where a `fetch` that was given sends requests elsewhere; a request with a proof is redirected
 * without `fetch` knowing.
 */
function cameFromElsewhere(response: Response, input: string | URL | Request, token: AuthToken): boolean {
  if (!response.redirected && token.proofKey === undefined) return false;
  return URL.canParse(response.url) && new URL(response.url).origin !== originOf(input);
}

/** What to send the second time, or `undefined` when the body is gone with the first. */
function replayOf(
  input: string | URL | Request,
  init: RequestInit | undefined,
): string | URL | Request | undefined {
  const body: unknown = init?.body;
  if (body !== undefined && body !== null) {
    return isStream(body) ? undefined : input;
  }
  return input instanceof Request && input.body !== null ? input.clone() : input;
}

/** The headers of a request, with the token among them. */
function headersWith(
  token: AuthToken,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Headers | Record<string, string> {
  const given = init?.headers ?? (input instanceof Request ? input.headers : undefined);
  // A plain object costs `fetch` far less than a `Headers` does.
  if (given === undefined) return { authorization: token.authorization };
  const headers = new Headers(given);
  headers.set('authorization', token.authorization);
  return headers;
}

/** As `fetch` does, an aborted call rejects with the signal's reason. */
async function waitFor(token: Promise<AuthToken>, signal: AbortSignal | undefined): Promise<AuthToken> {
  try {
    return await untilAborted(token, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * A `fetch` whose requests carry a valid token for `scope`.
 *
 * On a 401 it forces one refresh and sends the request once more, and returns the second answer whatever
 * it is. A 401 of another origin, to which a redirect led, is returned: no token went there. A body that was a
 * stream is gone by then: the 401 is returned, and the next request has a new token. A `Request` is cloned, so
 * its body is kept in memory until the answer is there. A token that is bound to a key goes with a proof for
 * this one request, made again with the nonce that a server wants in it.
 *
 * The returned function rejects with {@link AuthError} as `AuthManager.getValidToken` does, with
 * `KM_AUTH_FOREIGN_ORIGIN` for a URL of another origin than the manager's, and as `fetch` does otherwise.
 *
 * @throws {AuthError} `KM_AUTH_INVALID_OPTION` when one of `allowedOrigins` is not a URL; `KM_AUTH_INSECURE_ENDPOINT`
 *   when one is plain http to another machine.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6750#section-3 | RFC 6750 §3}
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7 | RFC 9449 §7}
 */
export function createAuthenticatedClient(
  authManager: AuthManager,
  scope: Scope,
  options: AuthenticatedClientOptions = {},
): Fetch {
  const others = (options.allowedOrigins ?? []).map((url) => parseEndpoint(url, 'the allowed origin').origin);
  const allowed = new Set([authManager.apiOrigin, ...others]);
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init));

  // What follows this is a path on the manager's own origin, so that most URLs need no parsing.
  const ownPrefix = `${authManager.apiOrigin}/`;

  const assertAllowed = (input: string | URL | Request): void => {
    if (typeof input === 'string' && input.startsWith(ownPrefix)) return;
    const origin = originOf(input);
    if (allowed.has(origin)) return;
    throw new AuthError(
      'KM_AUTH_FOREIGN_ORIGIN',
      `the token is for ${authManager.apiOrigin} and is not sent to ${origin}: name it in allowedOrigins if it may see the token`,
    );
  };

  let proved: ProvedRequests | undefined;
  const withProof: ProvedRequests['send'] = async (...request) => {
    const { ProvedRequests: Requests } = await loadProvedRequests();
    proved ??= new Requests(send, () => systemClock.nowMs() - (authManager.clockSkewMs ?? 0));
    return proved.send(...request);
  };

  return async (input, init) => {
    assertAllowed(input);
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const withToken = (token: AuthToken, what: string | URL | Request): Promise<Response> =>
      token.proofKey === undefined
        ? send(what, { ...init, headers: headersWith(token, what, init) })
        : withProof(token, what, init);

    const replay = replayOf(input, init);
    const token = await waitFor(authManager.getValidToken(scope), signal);
    const response = await withToken(token, input);
    if (response.status !== 401 || wantsNonce(response)) return response;
    if (cameFromElsewhere(response, input, token)) return response;

    const refresh = authManager.forceRefresh(scope, { rejected: token, isRevoked: saysRevoked(response) });
    // One that fails is told to whoever waits for it, and ends no process where nobody does.
    refresh.catch(() => undefined);
    if (replay === undefined) return response;
    discardBody(response);
    return withToken(await waitFor(refresh, signal), replay);
  };
}
