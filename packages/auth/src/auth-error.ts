/**
 * What went wrong, for programs. Stable across versions.
 *
 * | code | what to do |
 * | --- | --- |
 * | `KM_AUTH_LOGIN_REQUIRED` | only a human can help: log in again |
 * | `KM_AUTH_UNREACHABLE` | try again later: the service cannot be reached, or is overloaded |
 * | `KM_AUTH_STORM` | try again later: something asks for tokens in a loop |
 * | `KM_AUTH_LOCK_TIMEOUT` | try again later: another process or task holds a lock, or this manager was stopped |
 * | `KM_AUTH_GRANT_REJECTED` | the credential sent is no longer good |
 * | `KM_AUTH_INVALID_SCOPE` | ask for a scope that the account has |
 * | `KM_AUTH_CONFIGURATION` | the endpoint or the client is set up wrongly |
 * | `KM_AUTH_INSECURE_ENDPOINT` | use https; plain http is for loopback only |
 * | `KM_AUTH_FOREIGN_ORIGIN` | the request was for another origin than the token's |
 * | `KM_AUTH_INVALID_OPTION` | a setting has a value that is not allowed |
 * | `KM_AUTH_LIFETIME_TOO_SHORT` | ask for a `minValidMs` that the service's tokens can have |
 * | `KM_AUTH_CACHE` | the token cache cannot be read or written |
 * | `KM_AUTH_TOKEN_INVALID` | the access token cannot be trusted: expired, changed, of another issuer, or no JWT |
 * | `KM_AUTH_ABORTED` | the caller's own `AbortSignal` ended its wait |
 */
export type AuthErrorCode =
  | 'KM_AUTH_LOGIN_REQUIRED'
  | 'KM_AUTH_UNREACHABLE'
  | 'KM_AUTH_STORM'
  | 'KM_AUTH_LOCK_TIMEOUT'
  | 'KM_AUTH_GRANT_REJECTED'
  | 'KM_AUTH_INVALID_SCOPE'
  | 'KM_AUTH_CONFIGURATION'
  | 'KM_AUTH_INSECURE_ENDPOINT'
  | 'KM_AUTH_FOREIGN_ORIGIN'
  | 'KM_AUTH_INVALID_OPTION'
  | 'KM_AUTH_LIFETIME_TOO_SHORT'
  | 'KM_AUTH_CACHE'
  | 'KM_AUTH_TOKEN_INVALID'
  | 'KM_AUTH_ABORTED';

const TRY_LATER: ReadonlySet<AuthErrorCode> = new Set([
  'KM_AUTH_UNREACHABLE',
  'KM_AUTH_STORM',
  'KM_AUTH_LOCK_TIMEOUT',
]);

/** On every failure of this library, whichever copy of it made that: a program may have two. */
const KIND = Symbol.for('@kilometers/auth.AuthError');

/** Every failure of this library. The message says what failed, why, and what to do; it holds no secret. */
export class AuthError extends Error {
  override readonly name: string = 'AuthError';
  /** What went wrong, for programs. */
  readonly code: AuthErrorCode;

  constructor(code: AuthErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }

  /** `instanceof` holds for the errors of every copy of this library in a program. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    // What extends this inherits it, and is a kind of its own.
    if (this !== AuthError) return Function.prototype[Symbol.hasInstance].call(this, error);
    return typeof error === 'object' && error !== null && KIND in error;
  }

  /** Whether trying again later may work without a human: `KM_AUTH_UNREACHABLE`, `KM_AUTH_STORM`, `KM_AUTH_LOCK_TIMEOUT`. */
  get isRetryable(): boolean {
    return TRY_LATER.has(this.code);
  }
}

Object.defineProperty(AuthError.prototype, KIND, { value: true });

/** Whether `error` is an {@link AuthError}, of the given code where one is given. */
export function isAuthError(error: unknown, code?: AuthErrorCode): error is AuthError {
  return error instanceof AuthError && (code === undefined || error.code === code);
}
