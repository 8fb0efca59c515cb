import type { TokenGrant } from '../ports.js';
import { jsonObject } from '../json-object.js';
import type { HttpAnswer } from './http-transport.js';
import { noAnswerError } from './no-answer.js';
import { clockSkewMs } from './server-time.js';
import { parseTokenAnswer } from './token-answer.js';

/** What the start of a device login was answered. */
export type DeviceCode = {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresInMs: number;
  readonly intervalMs: number;
};

/** Where the server does not tell: RFC 8628 §3.2. */
const ASSUMED_INTERVAL_MS = 5_000;
/** The server must tell; one that does not gives a person time enough. */
const ASSUMED_LIFETIME_MS = 600_000;
/** No server is asked more often than this. */
const SHORTEST_INTERVAL_MS = 1_000;

type Body = Readonly<Record<string, unknown>>;

/** What the members of an answer to the start of a device login are called. */
type DeviceCodeNames = Readonly<Record<keyof typeof OAUTH_NAMES, string>>;

export const OAUTH_NAMES = {
  deviceCode: 'device_code',
  userCode: 'user_code',
  verificationUri: 'verification_uri',
  verificationUriComplete: 'verification_uri_complete',
  expiresIn: 'expires_in',
  interval: 'interval',
} as const;

/** As in the contract of the Kilometers API. */
export const KILOMETERS_NAMES: DeviceCodeNames = {
  deviceCode: 'deviceCode',
  userCode: 'userCode',
  verificationUri: 'verificationUri',
  verificationUriComplete: 'verificationUriComplete',
  expiresIn: 'expiresIn',
  interval: 'interval',
};

function secondsInMs(value: unknown, otherwiseMs: number): number {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0
    ? seconds * 1_000
    : otherwiseMs;
}

/** Fit to be shown on a terminal and typed: visible ASCII, and not too much of it. */
function isShowable(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,200}$/.test(value) && value.trim() !== '';
}

/** A link that a browser may be sent to. */
function isLink(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,2000}$/.test(value) || !URL.canParse(value)) return false;
  return ['https:', 'http:'].includes(new URL(value).protocol);
}

/**
 * Reads the answer to the start of a device login.
 *
 * @throws {TokenRequestError} `KM_AUTH_UNREACHABLE` when it is none.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8628#section-3.2 | RFC 8628 §3.2}
 */
export function parseDeviceCode(
  { text, status }: Pick<HttpAnswer, 'text' | 'status'>,
  origin: string,
  names: DeviceCodeNames,
): DeviceCode {
  const body = jsonObject(text) ?? {};
  const [deviceCode, userCode] = [body[names.deviceCode], body[names.userCode]];
  // The drafts of RFC 8628 said `verification_url`, and some servers still do.
  const verificationUri = body[names.verificationUri] ?? body['verification_url'];
  const verificationUriComplete = body[names.verificationUriComplete];
  const isWhole =
    typeof deviceCode === 'string' && deviceCode !== '' && isShowable(userCode) && isLink(verificationUri);
  if (!isWhole) {
    throw noAnswerError(origin, { asked: 'the start of a login', lacks: 'code' }, { status });
  }
  const lifetimeMs = secondsInMs(body[names.expiresIn], ASSUMED_LIFETIME_MS);
  return {
    deviceCode,
    userCode,
    verificationUri,
    verificationUriComplete: isLink(verificationUriComplete) ? verificationUriComplete : undefined,
    // As of a token, zero says nothing: nobody shows a code that is over.
    expiresInMs: lifetimeMs > 0 ? lifetimeMs : ASSUMED_LIFETIME_MS,
    intervalMs: Math.max(SHORTEST_INTERVAL_MS, secondsInMs(body[names.interval], ASSUMED_INTERVAL_MS)),
  };
}

/** What of it a person is shown; the device's own code is none of that. */
export function shownOf({
  userCode,
  verificationUri,
  verificationUriComplete,
  expiresInMs,
}: DeviceCode): Omit<DeviceCode, 'deviceCode' | 'intervalMs'> {
  return { userCode, verificationUri, verificationUriComplete, expiresInMs };
}

/** Reads the answer to a poll that was granted; `undefined` when it is none. */
export function parseDeviceGrant(
  { text, headers }: HttpAnswer,
  receivedAtMs: number,
  requestedScopes: readonly string[],
): TokenGrant | undefined {
  const { token } = jsonObject(text) ?? {};
  if (typeof token !== 'object' || token === null) return undefined;
  const { accessToken, accessTokenExpiresAt, tokenType, refreshToken, scope } = token as Body;
  const skewMs = clockSkewMs(headers.date, receivedAtMs);
  const expiresAtMs =
    typeof accessTokenExpiresAt === 'string' ? Date.parse(accessTokenExpiresAt) : Number.NaN;
  const lifetimeMs = expiresAtMs - (receivedAtMs - (skewMs ?? 0));
  return parseTokenAnswer(
    JSON.stringify({
      access_token: accessToken,
      token_type: tokenType,
      refresh_token: refreshToken,
      scope,
      ...(lifetimeMs > 0 && { expires_in: lifetimeMs / 1_000 }),
    }),
    { receivedAtMs, requestedScopes, clockSkewMs: skewMs, isLogin: true },
  );
}
