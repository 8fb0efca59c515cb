import type * as OAuth from 'oauth4webapi';
import { parseEndpoint } from '../../api-origin.js';
import { AuthError } from '../../auth-error.js';
import { createFetchTransport } from '../fetch-transport.js';
import { createNodeTransport, TransportError, type HttpTransport } from '../http-transport.js';
import { noConnectionError } from '../no-connection.js';
import { clockSkewMs, retryAfterMs } from '../server-time.js';
import type { OAuthSettings } from './oauth-settings.js';
import { tlsCredentials } from './tls-credentials.js';

/** The protocol: loaded when something is sent, not before. */
export type OAuthLibrary = typeof OAuth;

/** An answer of an issuer, read to its end. */
export type WireAnswer = {
  readonly status: number;
  /** With names in lower case. */
  readonly headers: Headers;
  readonly text: string;
  readonly receivedAtMs: number;
  /** Local clock minus the issuer's. */
  readonly skewMs: number | undefined;
  readonly retryAfterMs: number | undefined;
};

type LibraryFetch = (url: string, init: OAuth.CustomFetchOptions<string, unknown>) => Promise<Response>;

/** Clocks that differ by less are taken to agree, in milliseconds. */
const TOLERATED_SKEW_MS = 30_000;

/** Statuses whose answer has no body, and those that a `Response` cannot have. */
function bodyFor(status: number, text: string): string | null {
  return status === 204 || status === 205 || status === 304 ? null : text;
}

/** What the connection to one issuer is made of: a transport in the shape that the protocol library wants. */
export class IssuerWire {
  readonly library: OAuthLibrary;
  readonly settings: OAuthSettings;
  readonly #transport: HttpTransport;
  /** Local clock minus the issuer's, as last seen. */
  #skewMs = 0;

  constructor(library: OAuthLibrary, settings: OAuthSettings) {
    this.library = library;
    this.settings = settings;
    const { clock, fetch: send } = settings;
    this.#transport =
      settings.transport ??
      (send === undefined ? createNodeTransport({ clock }) : createFetchTransport(send, clock));
  }

  /** What to add to the local time for the issuer's, in milliseconds, once they differ by more than is tolerated. */
  get issuerOffsetMs(): number {
    return Math.abs(this.#skewMs) > TOLERATED_SKEW_MS ? -this.#skewMs : 0;
  }

  /** The issuer's time, as far as is known, in milliseconds since the epoch: what is signed for it must have that. */
  issuerNowMs(): number {
    return this.settings.clock.nowMs() + this.issuerOffsetMs;
  }

  /** The client, as the protocol library knows it. */
  client(): OAuth.Client {
    return {
      client_id: this.settings.clientId,
      [this.library.clockSkew]: Math.round(this.issuerOffsetMs / 1_000),
    };
  }

  /**
   * How the library is to send.
   *
   * @param isSingleUse what is sent is good once, so that its answer is waited for with patience.
   */
  sending(isSingleUse = false) {
    return {
      [this.library.customFetch]: this.#fetchFor(isSingleUse),
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- plain http is for loopback, which #fetchFor sees to
      [this.library.allowInsecureRequests]: true,
    };
  }

  /** Sends to https, or to loopback; follows nothing; throws {@link TransportError}. */
  #fetchFor(isSingleUse: boolean): LibraryFetch {
    const { requestTimeoutMs, answerTimeoutMs, clientAuthentication } = this.settings;
    return async (url, { method, headers, body }) => {
      const answer = await this.#transport({
        url: parseEndpoint(url),
        method: method === 'GET' ? 'GET' : 'POST',
        headers,
        body: body instanceof URLSearchParams ? body.toString() : '',
        timeoutMs: requestTimeoutMs,
        answerTimeoutMs: isSingleUse ? answerTimeoutMs : requestTimeoutMs,
        tls: await tlsCredentials(clientAuthentication),
      });
      const { status, text } = answer;
      if (status < 200 || status > 599)
        throw new TransportError(`it answered with status ${String(status)}`, true);
      const lines = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
      );
      return new Response(bodyFor(status, text), { status, headers: lines });
    };
  }

  /** Waits for an answer that is under way, and reads it. */
  async read(origin: string, answer: Promise<Response>): Promise<WireAnswer> {
    try {
      const response = await answer;
      const text = await response.text();
      const receivedAtMs = this.settings.clock.nowMs();
      const { status, headers } = response;
      const skewMs = clockSkewMs(headers.get('date') ?? undefined, receivedAtMs);
      this.#skewMs = skewMs ?? this.#skewMs;
      const rest = retryAfterMs(headers.get('retry-after') ?? undefined, receivedAtMs, skewMs);
      return { status, headers, text, receivedAtMs, skewMs, retryAfterMs: rest };
    } catch (error) {
      throw this.#failure(origin, error);
    }
  }

  #failure(origin: string, error: unknown): AuthError {
    if (error instanceof AuthError) return error;
    if (error instanceof TransportError) return noConnectionError(origin, error);
    // The library refuses before anything is sent: an endpoint that is missing or insecure, a key of the wrong kind.
    return new AuthError(
      'KM_AUTH_CONFIGURATION',
      `${origin} cannot be asked: ${error instanceof Error ? error.message : String(error)}; check what its discovery document offers, and the client's settings`,
      { cause: error },
    );
  }
}
