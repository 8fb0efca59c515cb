import { AuthError } from '../auth-error.js';
import type { Clock } from '../clock.js';

/** A request that is under way when a login is given up is waited for this long, in milliseconds. */
const LAST_ANSWER_TIMEOUT_MS = 2_000;

export function loginAborted(signal: AbortSignal): AuthError {
  return new AuthError('KM_AUTH_ABORTED', 'the login was given up', { cause: signal.reason });
}

/**
 * What `answer` brings; after an abort only if it brings a grant, and soon: a login that was just granted must not be
 * left behind at the server with nobody who knows of it.
 *
 * @throws {AuthError} `KM_AUTH_ABORTED` when it does not.
 */
export async function grantedOrAborted<T>(
  answer: Promise<T>,
  isGrant: (answer: T) => boolean,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return answer;
  const ended = new Promise<undefined>((resolve) => {
    const abort = (): void => {
      clock.schedule(() => resolve(undefined), LAST_ANSWER_TIMEOUT_MS, true);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    void answer.finally(() => signal.removeEventListener('abort', abort)).catch(() => undefined);
  });
  const outcome = await Promise.race([answer.then((value) => ({ value })), ended]).catch((error: unknown) => {
    throw signal.aborted ? loginAborted(signal) : error;
  });
  if (outcome === undefined || (signal.aborted && !isGrant(outcome.value))) throw loginAborted(signal);
  return outcome.value;
}
