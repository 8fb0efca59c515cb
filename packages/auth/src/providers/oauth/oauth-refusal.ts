import type { AuthErrorCode } from '../../auth-error.js';
import { jsonObject } from '../../json-object.js';
import { TokenRequestError } from '../../token-request-error.js';
import { oauthBody, refusalCode } from '../token-refusal.js';
import type { WireAnswer } from './issuer-wire.js';

/** What an error means, as its RFC says, and what to do next. */
type Meaning = { readonly means: string; readonly next: string; readonly code?: AuthErrorCode };

/**
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | RFC 6749 §5.2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1 | RFC 6749 §4.1.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc7009#section-2.2.1 | RFC 7009 §2.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8628#section-3.5 | RFC 8628 §3.5}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8707#section-2 | RFC 8707 §2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-12.2 | RFC 9449 §12.2}
 */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  invalid_request: {
    means: 'a parameter is missing, twice there, or not understood',
    next: "check the client's settings: this server may want another way of authentication, or a resource",
  },
  invalid_client: {
    means: 'the client is not known, or did not prove who it is',
    next: 'check the client id, its secret or key, and the way of authentication that is registered for it',
  },
  invalid_grant: {
    means: 'what was sent for a token has ended, was revoked, was used before, or is for another client',
    next: 'log in again',
    code: 'KM_AUTH_GRANT_REJECTED',
  },
  unauthorized_client: {
    means: 'this client may not use this grant',
    next: 'allow the grant in the registration of the client',
  },
  unsupported_grant_type: {
    means: 'this server does not know this grant',
    next: 'use another grant, or switch this one on at the server',
  },
  unsupported_token_type: {
    means: 'this server ends no tokens of this kind before their time',
    next: 'it ends by itself',
  },
  unsupported_response_type: {
    means: 'this client may not ask for a code',
    next: 'allow the authorization code flow in the registration of the client',
  },
  invalid_scope: {
    means: 'a scope is unknown, malformed, or more than was granted',
    next: 'ask for scopes that were granted, or log in with the scope',
    code: 'KM_AUTH_INVALID_SCOPE',
  },
  invalid_target: {
    means: 'the resource or audience is unknown, or not allowed for this client',
    next: 'check the resource and the audience',
  },
  access_denied: {
    means: 'the user, or the server, said no',
    next: 'log in again and allow it, or ask who administers the server',
    code: 'KM_AUTH_LOGIN_REQUIRED',
  },
  expired_token: {
    means: 'nobody entered the code in time',
    next: 'log in again',
    code: 'KM_AUTH_LOGIN_REQUIRED',
  },
  interaction_required: {
    means: 'the server wants to see the user again',
    next: 'log in again',
    code: 'KM_AUTH_LOGIN_REQUIRED',
  },
  invalid_dpop_proof: {
    means: 'the proof of the key was not accepted',
    next: "check this machine's clock",
  },
  use_dpop_nonce: {
    means: 'the server wants its latest nonce in the proof, and refused that too',
    next: 'try again later',
    code: 'KM_AUTH_UNREACHABLE',
  },
  server_error: { means: 'the server failed', next: 'try again later', code: 'KM_AUTH_UNREACHABLE' },
  temporarily_unavailable: {
    means: 'the server is overloaded or being maintained',
    next: 'try again later',
    code: 'KM_AUTH_UNREACHABLE',
  },
};

/** Errors that say the same in the words of others (OpenID Connect Core §3.1.2.6, GitHub). */
const SYNONYMS: Readonly<Record<string, string>> = {
  login_required: 'interaction_required',
  consent_required: 'interaction_required',
  account_selection_required: 'interaction_required',
  incorrect_client_credentials: 'invalid_client',
  bad_refresh_token: 'invalid_grant',
  bad_verification_code: 'invalid_grant',
  incorrect_device_code: 'invalid_grant',
};

/** What an `error` is called by its RFC. */
function standardName(error: string): string {
  return SYNONYMS[error] ?? error;
}

/** What an `error` means and what to do, in words; `undefined` for one that no RFC has. */
export function explainOAuthError(error: string): string | undefined {
  const meaning = MEANINGS[standardName(error)];
  return meaning === undefined ? undefined : `${meaning.means}; ${meaning.next}`;
}

/** What an `error` is that ends a login: nobody is told to log in who just tried. */
export function refusedLoginCode(error: string): AuthErrorCode {
  const { code = 'KM_AUTH_CONFIGURATION' } = MEANINGS[standardName(error)] ?? {};
  return code === 'KM_AUTH_LOGIN_REQUIRED' ? 'KM_AUTH_GRANT_REJECTED' : code;
}

/** A refusal, and what is needed to say it well. */
export type OAuthRefusal = {
  readonly answer: Pick<WireAnswer, 'status' | 'text' | 'retryAfterMs'>;
  readonly origin: string;
  /** What was refused, as in `the refresh_token grant`. */
  readonly what: string;
  /** Texts that must not come back in a message. */
  readonly secrets: readonly string[];
  /** No login was sent but what mints tokens by itself: to log in again is no advice. */
  readonly isMinting?: boolean;
  /** A login was asked for a token of some of what it serves. */
  readonly isNarrowed?: boolean;
};

/** Whether a body says an error, whatever its status: some servers do so with a 200. */
export function saysError(text: string): boolean {
  return oauthBody(text, []).error !== undefined;
}

/** The `suberror` of an `invalid_grant` that is of the refresh token itself. Without one it is, too. */
const OF_TOKEN: readonly unknown[] = ['bad_token', 'token_expired', '', undefined];

/**
 * Whether the login is well, and its user must do more for what was asked: Microsoft Entra says that as `invalid_grant`, too,
 * with `basic_action`, `consent_required` and others beside it.
 */
function isOfWhatWasAsked({ answer, isNarrowed = false }: OAuthRefusal, error = ''): boolean {
  if (!isNarrowed || standardName(error) !== 'invalid_grant') return false;
  return !OF_TOKEN.includes(jsonObject(answer.text)?.['suberror']);
}

function codeOf(status: number, error: string | undefined): AuthErrorCode {
  const byStatus = refusalCode(status, error === undefined ? undefined : standardName(error));
  // A 5xx, a 429 or a redirect is what it is, whatever it says.
  if (byStatus === 'KM_AUTH_UNREACHABLE' || error === undefined) return byStatus;
  return MEANINGS[standardName(error)]?.code ?? byStatus;
}

/** What an error means and what to do; of one that says less than the status does, what the status says. */
function adviceFor(
  code: AuthErrorCode,
  { answer: { status }, isMinting = false }: OAuthRefusal,
  error = '',
): string {
  const isOfStatus = code === 'KM_AUTH_UNREACHABLE' && MEANINGS[standardName(error)]?.code !== code;
  if (isOfStatus) return 'try again later';
  const byDefault =
    status === 404
      ? 'there is nothing at this address: check the issuer and its endpoints'
      : "check the client's settings";
  if (isMinting && standardName(error) === 'invalid_grant')
    return `${MEANINGS['invalid_grant']?.means ?? ''}; check the key or the token that was sent, and this machine's clock`;
  return explainOAuthError(error) ?? byDefault;
}

/** The error that a refusal is: what the server said, what that means, and what to do. */
export function oauthRefusalError(refusal: OAuthRefusal): TokenRequestError {
  const { answer, origin, what, secrets } = refusal;
  const { status, text, retryAfterMs } = answer;
  const { error, description } = oauthBody(text, secrets);
  const isRedirect = status >= 300 && status < 400;
  const byError = codeOf(status < 300 ? 400 : status, error);
  const isOfRequest = byError === 'KM_AUTH_GRANT_REJECTED' && isOfWhatWasAsked(refusal, error);
  const code = isOfRequest ? 'KM_AUTH_INVALID_SCOPE' : byError;
  const said = error === undefined ? '' : `: ${error}${description === undefined ? '' : ` (${description})`}`;
  const advice = isRedirect
    ? 'it sends elsewhere, where no credential is sent: sign in to the network if it asks for that, or correct the endpoint'
    : isOfRequest
      ? 'the user has to do more for what was asked for: log in for it'
      : adviceFor(code, refusal, error);
  return new TokenRequestError(
    code,
    `${origin} refused ${what} with status ${String(status)}${said}; ${advice}`,
    {
      status,
      ...(error !== undefined && { oauthError: error }),
      ...(description !== undefined && { oauthErrorDescription: description }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}
