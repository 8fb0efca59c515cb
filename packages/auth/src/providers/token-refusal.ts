import type { AuthErrorCode } from '../auth-error.js';
import { jsonObject } from '../json-object.js';
import { TokenRequestError, type TokenRequestFailure } from '../token-request-error.js';
import { isTryLaterStatus } from '../try-later-status.js';

/** The refusal of a token endpoint, and what is needed to say it well. */
export type Refusal = {
  readonly status: number;
  readonly text: string;
  /** The origin that was asked. */
  readonly origin: string;
  readonly grantType: string;
  readonly retryAfterMs: number | undefined;
  /** Texts that must not come back in a message. */
  readonly secrets: readonly string[];
};

const MAX_DESCRIPTION = 200;
/** A shorter secret may stand in any text by chance: to take it out would leave nothing that can be read. */
const SHORT_SECRET = 8;

const TRY_LATER_ERRORS: ReadonlySet<string> = new Set([
  'temporarily_unavailable',
  'server_error',
  'slow_down',
]);

/** What no terminal should get: controls, what turns the direction of text, what nobody has defined, and line ends. As the CLI has it. */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** What a server wrote, fit for a terminal and free of secrets. */
export function printable(value: unknown, secrets: readonly string[]): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  const withoutSecrets = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), value);
  // Of characters, not of halves of them.
  const clean = Array.from(withoutSecrets.replace(UNFIT, ' ').trim());
  const shown = clean.slice(0, MAX_DESCRIPTION).join('');
  return clean.length > MAX_DESCRIPTION ? `${shown}…` : shown;
}

/** What a body says of RFC 6749 §5.2, fit to print. */
export function oauthBody(
  text: string,
  secrets: readonly string[],
): { readonly error?: string; readonly description?: string } {
  const { error, error_description: described } = jsonObject(text) ?? {};
  const long = secrets.filter((secret) => secret.length >= SHORT_SECRET);
  const isRepeated = secrets.some(
    (secret) =>
      secret !== '' && !long.includes(secret) && typeof described === 'string' && described.includes(secret),
  );
  const oauthError = printable(error, long);
  const description = isRepeated ? undefined : printable(described, long);
  return {
    ...(oauthError !== undefined && { error: oauthError }),
    ...(description !== undefined && { description }),
  };
}

/** What a refusal is, by its status and its `error`. */
export function refusalCode(status: number, oauthError: string | undefined): AuthErrorCode {
  if (isTryLaterStatus(status)) return 'KM_AUTH_UNREACHABLE';
  if (status >= 300 && status < 400) return 'KM_AUTH_UNREACHABLE';
  if (status === 400 || status === 401) {
    if (oauthError === 'invalid_grant') return 'KM_AUTH_GRANT_REJECTED';
    if (oauthError === 'invalid_scope') return 'KM_AUTH_INVALID_SCOPE';
    if (oauthError !== undefined && TRY_LATER_ERRORS.has(oauthError)) return 'KM_AUTH_UNREACHABLE';
  }
  return 'KM_AUTH_CONFIGURATION';
}

function adviceFor(code: AuthErrorCode, refusal: Refusal): string {
  if (refusal.status >= 300 && refusal.status < 400) {
    return 'it sends elsewhere, where no credential is sent: sign in to the network if it asks for that, or set the endpoint to the address it moved to';
  }
  switch (code) {
    case 'KM_AUTH_UNREACHABLE':
      return 'try again later';
    case 'KM_AUTH_GRANT_REJECTED':
      return refusal.grantType === 'refresh_token'
        ? 'log in again'
        : 'check the credential: it may have been revoked';
    case 'KM_AUTH_INVALID_SCOPE':
      return 'ask for a scope that this account has';
    default:
      return refusal.status === 404
        ? 'check the endpoint: there is no token service at this address'
        : 'check the endpoint and the credential';
  }
}

/**
 * The error that a refusal is.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | RFC 6749 §5.2}
 */
export function refusalError(refusal: Refusal): TokenRequestError {
  const { error, description } = oauthBody(refusal.text, refusal.secrets);
  const code = refusalCode(refusal.status, error);
  const said = error === undefined ? '' : `: ${error}${description === undefined ? '' : ` (${description})`}`;
  const failure: TokenRequestFailure = {
    status: refusal.status,
    ...(error !== undefined && { oauthError: error }),
    ...(description !== undefined && { oauthErrorDescription: description }),
    ...(refusal.retryAfterMs !== undefined && { retryAfterMs: refusal.retryAfterMs }),
  };
  return new TokenRequestError(
    code,
    `${refusal.origin} refused the ${refusal.grantType} grant with status ${String(refusal.status)}${said}; ${adviceFor(code, refusal)}`,
    failure,
  );
}
