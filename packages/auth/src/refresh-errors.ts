import { AuthError } from './auth-error.js';
import type { AuthToken } from './auth-token.js';
import type { GrantRecord, SentRefresh } from './grant-record.js';
import { LONGEST_REST_MS } from './refresh-policy.js';
import { TokenRequestError } from './token-request-error.js';

/** Only a human can help. */
export function loginRequired(loginCommand: string, why: string, cause?: unknown): AuthError {
  return new AuthError('KM_AUTH_LOGIN_REQUIRED', `${why}; run \`${loginCommand}\``, { cause });
}

/** Where no lock can be had, a refresh token whose successor cannot be stored is not used up. */
export function unlockableError(): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    'the token cache cannot be written, and a refresh now would lose the login: ' +
      'make it writable (disk space, permissions), then try again',
  );
}

/** A refresh token whose successor cannot be stored, and that others have, is not used up. */
export function unstorableError(): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    'the refresh token was not sent: the one that replaces it could not be stored, and the login would be lost. ' +
      'Make the token cache writable (disk space, permissions), then try again',
  );
}

/** Nobody knows whether anybody is logged in. */
export function unreadableError(): AuthError {
  return new AuthError(
    'KM_AUTH_CACHE',
    'the token cache cannot be read, so that the login in it cannot be used: see what is wrong with it, then try again',
  );
}

/** No token of this service lives as long as was asked for. */
export function lifetimeTooShort(token: AuthToken, minValidMs: number): AuthError {
  return new AuthError(
    'KM_AUTH_LIFETIME_TOO_SHORT',
    `a token good for ${String(minValidMs)} ms was asked for, but the service issues tokens of ${String(token.lifetimeMs)} ms: ask for less`,
  );
}

/**
 * The service asked for a rest: it gets it.
 *
 * @throws {TokenRequestError} `KM_AUTH_UNREACHABLE` while it lasts.
 */
export function assertRested({ notBeforeMs, lastFailure }: GrantRecord, nowMs: number): void {
  const restMs = (notBeforeMs ?? 0) - nowMs;
  // A rest that was asked for in the future was noted by a clock that was wrong then, or is now; one that is longer
  // than any is, by such a clock or an earlier version.
  if (restMs <= 0 || restMs > LONGEST_REST_MS || (lastFailure !== undefined && lastFailure.atMs > nowMs))
    return;
  throw new TokenRequestError(
    'KM_AUTH_UNREACHABLE',
    `the token service asked to be left alone for another ${String(Math.ceil(restMs / 1000))} s; ` +
      `try again then (${lastFailure?.message ?? 'it did not say why'})`,
    { retryAfterMs: restMs },
  );
}

/** Another is faster each time that this process has the lock. */
export function outpacedError(): AuthError {
  return new AuthError(
    'KM_AUTH_LOCK_TIMEOUT',
    'others have replaced the refresh token again and again while this process had the lock of the grant: try again',
  );
}

/**
 * The error for who was paused (a frozen container), or waited for its next try, while others took the lock over, or a human
 * logged out: the refresh token is not the one to send any more. `undefined` where nothing happened.
 *
 * @param known what this process knows to be noted as sent.
 */
export function overtakenError(
  fingerprint: string,
  known: SentRefresh | undefined,
  now: GrantRecord,
): AuthError | undefined {
  if (now.refreshToken?.secret.fingerprint !== fingerprint) {
    return new TokenRequestError('KM_AUTH_GRANT_REJECTED', whatHappened(now), { isAnswerLost: false });
  }
  const { sentRefresh } = now;
  const isSentByOther = sentRefresh?.fingerprint === fingerprint && sentRefresh.atMs !== known?.atMs;
  return isSentByOther
    ? new AuthError(
        'KM_AUTH_LOCK_TIMEOUT',
        'another process is refreshing the same grant right now; try again',
      )
    : undefined;
}

/** Why the refresh token that was to be sent is not there. */
function whatHappened({ refreshToken, endedAtMs }: GrantRecord): string {
  if (refreshToken !== undefined) return 'another process has replaced the refresh token meanwhile';
  return endedAtMs === undefined
    ? 'the refresh token was removed meanwhile'
    : 'somebody has logged out meanwhile';
}
