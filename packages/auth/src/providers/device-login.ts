import { parseEndpoint, urlUnder } from '../api-origin.js';
import { systemClock, type Clock } from '../clock.js';
import type { TokenGrant } from '../ports.js';
import { DEFAULT_REFRESH_SETTINGS } from '../refresh-policy.js';
import { TokenRequestError } from '../token-request-error.js';
import { defaultAnswerTimeoutMs } from './answer-patience.js';
import {
  KILOMETERS_NAMES,
  parseDeviceCode,
  parseDeviceGrant,
  shownOf,
  type DeviceCode,
} from './device-answers.js';
import { pollRefused, pollUntilAnswered, type Poll } from './device-polling.js';
import {
  createNodeTransport,
  TransportError,
  type HttpAnswer,
  type HttpTransport,
} from './http-transport.js';
import { clockSkewMs, retryAfterMs } from './server-time.js';
import { refusalError } from './token-refusal.js';

/** What {@link startDeviceLogin} asks for, and where. */
export type DeviceLoginOptions = {
  /** Base URL of the API; https, or http to loopback. */
  readonly apiEndpoint: string;
  /** What the login is for. Default: what the API gives to who asks for nothing. */
  readonly scopes?: readonly string[];
  /**
   * How long a request may take, in milliseconds. Default 10 000. The answer to a poll is waited for at least 90 s: it may
   * bring the tokens, which a code gives once.
   */
  readonly requestTimeoutMs?: number;
  /** Default: the clock of this machine. */
  readonly clock?: Clock;
  /** What sends the requests. Default: a {@link createNodeTransport} of its own. */
  readonly transport?: HttpTransport;
};

/** A login that waits for a person with a browser. */
export type DeviceLogin = {
  /** What the person types, as in `BCDF-GHJK`. */
  readonly userCode: string;
  /** Where the person goes: an http or https URL. */
  readonly verificationUri: string;
  /** The same with the code in it, where the API has one. */
  readonly verificationUriComplete: string | undefined;
  /** How long the code is good from now, in milliseconds. */
  readonly expiresInMs: number;
  /**
   * Asks again and again, as often as the API allows, until the person has answered. Trouble on the way is waited out.
   * `signal` ends it; a request that is under way then is waited for up to 2 s, so that no login that was just granted is lost.
   *
   * @throws {AuthError} `KM_AUTH_GRANT_REJECTED` when the person refused, or the code is over; `KM_AUTH_ABORTED`
   *   when `signal` ended it; `KM_AUTH_CONFIGURATION` when the API does not take the code.
   * @see {@link https://www.rfc-editor.org/rfc/rfc8628#section-3.5 | RFC 8628 §3.5}
   */
  wait(options?: { readonly signal?: AbortSignal }): Promise<TokenGrant>;
};

const START_PATH = '/api/auth/device-code/start';
const POLL_PATH = '/api/auth/device-code/poll';

/** As in `late-providers.ts`, which loads this. */
export async function startDeviceLogin(options: DeviceLoginOptions): Promise<DeviceLogin> {
  const {
    requestTimeoutMs = DEFAULT_REFRESH_SETTINGS.requestTimeoutMs,
    clock = systemClock,
    scopes,
  } = options;
  const { transport = createNodeTransport({ clock }) } = options;
  const endpoint = parseEndpoint(options.apiEndpoint);
  const { origin } = endpoint;

  const send = (path: string, body: unknown, answerTimeoutMs: number): Promise<HttpAnswer> =>
    transport({
      url: urlUnder(endpoint, path),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: requestTimeoutMs,
      answerTimeoutMs,
    });
  const refusal = ({ status, text, headers }: HttpAnswer, secrets: readonly string[]): TokenRequestError => {
    const nowMs = clock.nowMs();
    const rest = retryAfterMs(headers['retry-after'], nowMs, clockSkewMs(headers.date, nowMs));
    return refusalError({ status, text, origin, grantType: 'device_code', retryAfterMs: rest, secrets });
  };

  const start = async (): Promise<DeviceCode> => {
    let answer: HttpAnswer;
    try {
      answer = await send(START_PATH, scopes === undefined ? {} : { scope: scopes }, requestTimeoutMs);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new TokenRequestError(
        'KM_AUTH_UNREACHABLE',
        `${origin} cannot be reached: ${error.message}; check the network, or try again later`,
        {},
        { cause: error },
      );
    }
    if (answer.status !== 200) throw refusal(answer, []);
    return parseDeviceCode(answer, origin, KILOMETERS_NAMES);
  };

  const poll = async ({ deviceCode }: DeviceCode): Promise<Poll<TokenGrant>> => {
    let answer: HttpAnswer;
    try {
      // It may bring the tokens, which a code gives once.
      answer = await send(POLL_PATH, { deviceCode }, defaultAnswerTimeoutMs(requestTimeoutMs));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return { kind: 'trouble', restMs: 0 };
    }
    if (answer.status === 200) {
      const grant = parseDeviceGrant(answer, clock.nowMs(), scopes ?? []);
      return grant === undefined ? { kind: 'trouble', restMs: 0 } : { kind: 'granted', grant };
    }
    const refused = refusal(answer, [deviceCode]);
    return pollRefused(refused);
  };

  const code = await start();
  const startedAtMs = clock.monotonicMs();

  return {
    ...shownOf(code),
    wait: ({ signal } = {}) =>
      pollUntilAnswered(() => poll(code), {
        expiresInMs: code.expiresInMs,
        intervalMs: code.intervalMs,
        clock,
        startedAtMs,
        signal,
      }),
  };
}
