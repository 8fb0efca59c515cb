import type { AuthToken } from './auth-token.js';
import { DpopNonces, wantsNonce } from './dpop-nonces.js';
import { discardBody } from './discard-body.js';
import { createDpopHeaders } from './dpop-headers.js';
import { redirected, type OutgoingRequest } from './redirected-request.js';
import { isStream } from './request-body.js';

type Send = (input: URL, init: RequestInit) => Promise<Response>;

/** As many redirects as `fetch` follows. */
const MAX_REDIRECTS = 20;

/** A request in parts. The body of a `Request` is read into memory: it may have to be sent again. */
async function outgoing(input: string | URL | Request, init: RequestInit = {}): Promise<OutgoingRequest> {
  const given = input instanceof Request ? input : undefined;
  const url = new URL(given?.url ?? input);
  const { method } = new Request(url, { method: init.method ?? given?.method ?? 'GET' });
  const body =
    init.body ?? (given === undefined || given.body === null ? undefined : await given.clone().arrayBuffer());
  return {
    url,
    init: {
      ...(given !== undefined && { redirect: given.redirect, signal: given.signal }),
      ...init,
      method,
      headers: new Headers(init.headers ?? given?.headers),
      ...(body !== undefined && { body }),
    },
  };
}

/** Sends requests with tokens that are bound to a key, each with a proof of its own. */
export class ProvedRequests {
  readonly #send: Send;
  /** The server's time, as far as is known, in milliseconds since the epoch. */
  readonly #nowMs: () => number;
  readonly #nonces = new DpopNonces();

  constructor(send: Send, nowMs: () => number) {
    this.#send = send;
    this.#nowMs = nowMs;
  }

  /**
   * As `fetch` does. A proof is for one URL, so redirects are followed here: on the same origin with a new proof; to
   * another without token and proof.
   */
  async send(
    token: AuthToken,
    input: string | URL | Request,
    init: RequestInit | undefined,
  ): Promise<Response> {
    let request = await outgoing(input, init);
    const isFollowing = (request.init.redirect ?? 'follow') === 'follow';
    for (let redirects = 0; ; redirects += 1) {
      const response = await this.#sendProved(token, request, isFollowing);
      const next = isFollowing ? redirected(request, response) : undefined;
      if (next === undefined) return response;
      if (redirects === MAX_REDIRECTS)
        throw new TypeError(`${request.url.origin} redirects more than ${String(MAX_REDIRECTS)} times`);
      discardBody(response);
      if (next.url.origin !== request.url.origin) return this.#send(next.url, next.init);
      request = next;
    }
  }

  /** Once more where the server wants its latest nonce and tells it. */
  async #sendProved(
    token: AuthToken,
    { url, init }: OutgoingRequest,
    isFollowing: boolean,
  ): Promise<Response> {
    const attempt = async (nonce: string | undefined): Promise<Response> => {
      const headers = new Headers(init.headers);
      const own = createDpopHeaders(token, { method: init.method, url, nonce, nowMs: this.#nowMs() });
      for (const [name, value] of Object.entries(own)) headers.set(name, value);
      const response = await this.#send(url, {
        ...init,
        headers,
        ...(isFollowing && { redirect: 'manual' }),
      });
      this.#nonces.learn(url.origin, response);
      return response;
    };
    const nonce = this.#nonces.of(url.origin);
    const response = await attempt(nonce);
    const latest = this.#nonces.of(url.origin);
    if (!wantsNonce(response) || latest === nonce || isStream(init.body)) return response;
    discardBody(response);
    return attempt(latest);
  }
}
