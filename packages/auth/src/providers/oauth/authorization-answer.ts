import type { AuthorizationServer } from 'oauth4webapi';
import { AuthError, type AuthErrorCode } from '../../auth-error.js';
import { TokenRequestError } from '../../token-request-error.js';
import { printable } from '../token-refusal.js';
import { isSameIssuer } from './issuer-metadata.js';
import type { IssuerWire } from './issuer-wire.js';
import { explainOAuthError, refusedLoginCode } from './oauth-refusal.js';

/** The issuer's name as the answer spells it, where that differs by no more than a slash at the end. */
function asSpelt(server: AuthorizationServer, iss: string | null): AuthorizationServer {
  return iss !== null && isSameIssuer(iss, server.issuer) ? { ...server, issuer: iss } : server;
}

/**
 * The code in the answer that a browser brought.
 *
 * @throws {AuthError} `KM_AUTH_CONFIGURATION` when it is of another issuer, or none; what the issuer said when it is a refusal.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9207#section-2.4 | RFC 9207 §2.4}
 */
export function codeIn(
  parameters: URLSearchParams,
  state: string,
  wire: IssuerWire,
  server: AuthorizationServer,
): string {
  const { library, settings } = wire;
  const given = new URLSearchParams(parameters);
  // Whose name nobody told cannot be compared.
  if (settings.issuer === undefined) given.delete('iss');
  try {
    const valid = library.validateAuthResponse(
      asSpelt(server, given.get('iss')),
      wire.client(),
      given,
      state,
    );
    const code = valid.get('code');
    if (code !== null && code !== '') return code;
  } catch (error) {
    if (error instanceof library.AuthorizationResponseError) throw refusal(server, error);
    throw unusable(server, error);
  }
  throw unusable(server, new Error('no code in it'));
}

function refusal(
  { issuer }: AuthorizationServer,
  said: { readonly error: string; readonly error_description?: string },
): TokenRequestError {
  const error = printable(said.error, []) ?? 'an error';
  const description = printable(said.error_description, []);
  const code: AuthErrorCode = refusedLoginCode(error);
  const next = explainOAuthError(error) ?? "check the client's settings";
  const words = description === undefined ? error : `${error} (${description})`;
  return new TokenRequestError(
    code,
    `${new URL(issuer).origin} refused the login: ${words}; ${next}`,
    { oauthError: error, ...(description !== undefined && { oauthErrorDescription: description }) },
    { cause: said },
  );
}

function unusable({ issuer }: AuthorizationServer, cause: unknown): AuthError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AuthError(
    'KM_AUTH_CONFIGURATION',
    `the browser brought an answer that is not one of ${issuer} (${why}): somebody may have mixed it up with that of another server; check the issuer, then log in again`,
    { cause },
  );
}
