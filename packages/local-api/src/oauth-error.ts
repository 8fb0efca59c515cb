/** The `error` values this API answers with. */
export type OAuthErrorName =
  | 'access_denied'
  | 'authorization_pending'
  | 'expired_token'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'slow_down'
  | 'unsupported_grant_type';

/**
 * A refusal, as the client is told it.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 | RFC 6749 §5.2}
 */
export class OAuthError extends Error {
  readonly error: OAuthErrorName;
  readonly status: 400 | 401;

  constructor(error: OAuthErrorName, description: string) {
    super(description);
    this.name = 'OAuthError';
    this.error = error;
    this.status = error === 'invalid_client' ? 401 : 400;
  }
}
