import { AuthError, type AuthErrorCode } from './auth-error.js';
import type { Secret } from './secret.js';

/** What the token endpoint's refusal, or its silence, told. */
export type TokenRequestFailure = {
  /** HTTP status, where there was an answer. */
  readonly status?: number;
  /** The `error` of RFC 6749 §5.2. */
  readonly oauthError?: string;
  /** The `error_description` of RFC 6749 §5.2, cleaned of control characters. */
  readonly oauthErrorDescription?: string;
  /** How long the server asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /**
   * True: the request may have been carried out although no answer told so. It was sent, and then the connection broke,
   * timed out, or what came back could not be read. False: no token request was sent. Absent: there was an answer, or
   * nothing is known.
   */
  readonly isAnswerLost?: boolean;
  /**
   * What replaces the refresh token that was sent, where the answer had it but no token that can be used: it is stored,
   * for the one before is used up.
   */
  readonly successor?: {
    readonly secret: Secret;
    readonly issuedAtMs: number;
    readonly expiresAtMs?: number;
  };
};

/** A token request that brought no token. */
export class TokenRequestError extends AuthError {
  override readonly name = 'TokenRequestError';
  /** What is known of the refusal. */
  readonly failure: TokenRequestFailure;

  constructor(
    code: AuthErrorCode,
    message: string,
    failure: TokenRequestFailure,
    options: { readonly cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.failure = failure;
  }

  /** `instanceof` holds for the errors of every copy of this library in a program. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    if (this !== TokenRequestError) return super[Symbol.hasInstance](error);
    return error instanceof AuthError && 'failure' in error;
  }
}
