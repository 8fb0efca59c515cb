import { parseEndpoint, urlUnder } from '../api-origin.js';
import { AuthError } from '../auth-error.js';
import { systemClock, type Clock } from '../clock.js';
import type { RevocableToken, TokenGrant, TokenProvider, TokenRequest } from '../ports.js';
import { DEFAULT_REFRESH_SETTINGS } from '../refresh-policy.js';
import { defaultAnswerTimeoutMs } from './answer-patience.js';
import {
  createNodeTransport,
  TransportError,
  type HttpAnswer,
  type HttpTransport,
} from './http-transport.js';
import { noTokenError } from './no-token.js';
import { noConnectionError } from './no-connection.js';
import { revokeToken } from './revoke-token.js';
import { clockSkewMs, retryAfterMs } from './server-time.js';
import { parseTokenAnswer } from './token-answer.js';
import { refusalError } from './token-refusal.js';

/** Where {@link createKilometersProvider} gets its tokens, and how. */
export type KilometersProviderOptions = {
  /** Base URL of the API; https, or http to loopback. */
  readonly apiEndpoint: string;
  /** How long a request that can be repeated may take, in milliseconds. Default 10 000. */
  readonly requestTimeoutMs?: number;
  /**
   * How long the answer to a refresh token that was sent is waited for, in milliseconds. Default 90 000, or
   * `requestTimeoutMs` where that is more: a refresh token that is sent twice costs the login, so patience is cheaper.
   */
  readonly answerTimeoutMs?: number;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** What sends the requests. Default: a {@link createNodeTransport} of its own. */
  readonly transport?: HttpTransport;
};

const TOKEN_PATH = '/api/auth/token';
const MAX_REDIRECTS = 3;

/** The body and the secrets in it. */
function wireRequest(request: TokenRequest): { readonly body: unknown; readonly secrets: readonly string[] } {
  switch (request.grantType) {
    case 'api_key': {
      const apiKey = request.apiKey.reveal();
      return { body: { grant_type: 'api_key', api_key: apiKey, scope: request.scopes }, secrets: [apiKey] };
    }
    case 'client_credentials': {
      const clientSecret = request.clientSecret.reveal();
      return {
        body: {
          grant_type: 'client_credentials',
          client_id: request.clientId,
          client_secret: clientSecret,
          scope: request.scopes,
        },
        secrets: [clientSecret],
      };
    }
    case 'provider':
      throw new AuthError(
        'KM_AUTH_CONFIGURATION',
        'the Kilometers API mints tokens by API key or client credentials: give one of them',
      );
    case 'refresh_token': {
      const refreshToken = request.refreshToken.reveal();
      return { body: { grant_type: 'refresh_token', refresh_token: refreshToken }, secrets: [refreshToken] };
    }
  }
}

/** Obtains tokens from the Kilometers API, and ends them. */
export type KilometersProvider = TokenProvider & Required<Pick<TokenProvider, 'revoke'>>;

/** As in `late-providers.ts`, which loads this. */
export function createKilometersProvider(options: KilometersProviderOptions): KilometersProvider {
  const {
    requestTimeoutMs = DEFAULT_REFRESH_SETTINGS.requestTimeoutMs,
    answerTimeoutMs = defaultAnswerTimeoutMs(requestTimeoutMs),
    clock = systemClock,
    transport = createNodeTransport({ clock }),
  } = options;
  const tokenUrl = urlUnder(parseEndpoint(options.apiEndpoint), TOKEN_PATH);

  /** Sends `body`, again where the same origin moved the endpoint (RFC 9110 §15.4.8 keeps method and body). */
  async function post(body: string, isSingleUse: boolean): Promise<HttpAnswer> {
    let url = tokenUrl;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await transport({
        url,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
        timeoutMs: requestTimeoutMs,
        answerTimeoutMs: isSingleUse ? answerTimeoutMs : requestTimeoutMs,
      });
      const { location } = answer.headers;
      if ((answer.status !== 307 && answer.status !== 308) || location === undefined) return answer;
      if (redirects === MAX_REDIRECTS || !URL.canParse(location, url.href)) return answer;
      const next = new URL(location, url);
      if (next.origin !== tokenUrl.origin) return answer;
      url = next;
    }
  }

  return {
    async requestToken(request: TokenRequest): Promise<TokenGrant> {
      const { grantType } = request;
      const { body, secrets } = wireRequest(request);
      let answer: HttpAnswer;
      try {
        answer = await post(JSON.stringify(body), grantType === 'refresh_token');
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        throw noConnectionError(tokenUrl.origin, error);
      }
      const receivedAtMs = clock.nowMs();
      const skewMs = clockSkewMs(answer.headers.date, receivedAtMs);
      if (answer.status < 200 || answer.status >= 300) {
        throw refusalError({
          status: answer.status,
          text: answer.text,
          origin: tokenUrl.origin,
          grantType,
          retryAfterMs: retryAfterMs(answer.headers['retry-after'], receivedAtMs, skewMs),
          secrets,
        });
      }
      const grant = parseTokenAnswer(answer.text, {
        receivedAtMs,
        requestedScopes: request.scopes ?? [],
        clockSkewMs: skewMs,
      });
      if (grant === undefined) throw noTokenError(tokenUrl.origin, grantType, { ...answer, receivedAtMs });
      return grant;
    },

    async revoke(token: RevocableToken): Promise<void> {
      const { apiEndpoint } = options;
      if (await revokeToken(token, { apiEndpoint, timeoutMs: requestTimeoutMs, transport })) return;
      throw new AuthError(
        'KM_AUTH_UNREACHABLE',
        `${tokenUrl.origin} did not take the revocation of a token: try again later`,
      );
    },
  };
}
