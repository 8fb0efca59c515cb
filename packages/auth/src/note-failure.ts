import { isAuthError, type AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import { withFailure } from './grant-changes.js';
import type { GrantStore } from './grant-store.js';
import { isLongRest, LONGEST_REST_MS } from './refresh-policy.js';
import { TokenRequestError } from './token-request-error.js';
import type { TokenRequestRunner } from './token-request-runner.js';

export type NoteFailureOptions = {
  readonly store: GrantStore;
  readonly clock: Clock;
  readonly runner: TokenRequestRunner;
};

/** Keeps with the grant why no token was obtained, and until when the service wants to be left alone. */
export async function noteFailure(
  error: AuthError,
  { store, clock, runner }: NoteFailureOptions,
): Promise<void> {
  const atMs = clock.nowMs();
  const rest = error instanceof TokenRequestError ? error.failure.retryAfterMs : undefined;
  await store.note((record) =>
    withFailure(
      runner.settled(record),
      { code: error.code, message: error.message, atMs },
      isLongRest(rest) ? atMs + Math.min(rest, LONGEST_REST_MS) : undefined,
    ),
  );
}

/** Whether only the scope that was asked for cannot be had. */
export function isOfOneScope(error: AuthError): boolean {
  return [error, error.cause].some((each) => isAuthError(each, 'KM_AUTH_INVALID_SCOPE'));
}
