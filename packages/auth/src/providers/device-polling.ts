import { type AuthError } from '../auth-error.js';
import type { Clock } from '../clock.js';
import { TokenRequestError } from '../token-request-error.js';
import { whenAborted } from '../when-aborted.js';
import { grantedOrAborted, loginAborted } from './login-abort.js';

/** One poll: granted, ended for good, or to be asked again. */
export type Poll<T> =
  | { readonly kind: 'granted'; readonly grant: T }
  | { readonly kind: 'over'; readonly error: AuthError }
  | { readonly kind: 'pending' | 'slow-down' }
  | { readonly kind: 'trouble'; readonly restMs: number };

/** How often a server may be asked, and for how long. */
export type Polling = {
  readonly expiresInMs: number;
  readonly intervalMs: number;
  readonly clock: Clock;
  /** When the code was issued, by the monotonic clock. */
  readonly startedAtMs: number;
  readonly signal: AbortSignal | undefined;
};

/** What `slow_down` adds, for good. */
const SLOW_DOWN_MS = 5_000;
/** Trouble doubles the wait up to this, in milliseconds. */
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Asks again and again, as often as the server allows, until the person has answered. Trouble on the way is waited out.
 *
 * @throws {AuthError} `KM_AUTH_GRANT_REJECTED` when the person refused, or the code is over; `KM_AUTH_ABORTED` when
 *   the signal ended it; else what a poll said.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8628#section-3.5 | RFC 8628 §3.5}
 */
export async function pollUntilAnswered<T>(poll: () => Promise<Poll<T>>, polling: Polling): Promise<T> {
  const { clock, signal, startedAtMs, expiresInMs } = polling;
  let { intervalMs } = polling;
  let troubles = 0;
  let restMs = 0;
  for (;;) {
    const backoffMs = Math.min(intervalMs * 2 ** troubles, Math.max(intervalMs, LONGEST_BACKOFF_MS));
    const leftMs = startedAtMs + expiresInMs - clock.monotonicMs();
    if (leftMs <= 0) throw codeOver('expired_token');
    await pause(clock, Math.min(leftMs, Math.max(backoffMs, restMs)), signal);
    const granted = ({ kind }: Poll<T>): boolean => kind === 'granted';
    const polled = await grantedOrAborted(poll(), granted, clock, signal);
    restMs = polled.kind === 'trouble' ? polled.restMs : 0;
    troubles = polled.kind === 'trouble' ? troubles + 1 : 0;
    if (polled.kind === 'granted') return polled.grant;
    if (polled.kind === 'over') throw polled.error;
    if (polled.kind === 'slow-down') intervalMs += SLOW_DOWN_MS;
  }
}

/** What a refusal of a poll is. */
export function pollRefused<T>(refused: TokenRequestError): Poll<T> {
  const { oauthError, retryAfterMs: restMs = 0 } = refused.failure;
  switch (oauthError) {
    case 'authorization_pending':
      return { kind: 'pending' };
    case 'slow_down':
      return { kind: 'slow-down' };
    case 'access_denied':
    case 'expired_token':
      return { kind: 'over', error: codeOver(oauthError, refused) };
    default:
      return refused.isRetryable ? { kind: 'trouble', restMs } : { kind: 'over', error: refused };
  }
}

function codeOver(oauthError: 'access_denied' | 'expired_token', cause?: unknown): AuthError {
  const message =
    oauthError === 'access_denied'
      ? 'the login was refused in the browser'
      : 'the code is over before it was approved; start again for a new one';
  return new TokenRequestError('KM_AUTH_GRANT_REJECTED', message, { oauthError }, { cause });
}

/** Waits, unless `signal` ends it. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      cancelAbort?.();
      resolve();
    };
    const cancelTimer = clock.schedule(end, delayMs, true);
    const cancelAbort =
      signal &&
      whenAborted(signal, () => {
        cancelTimer();
        reject(loginAborted(signal));
      });
  });
}
