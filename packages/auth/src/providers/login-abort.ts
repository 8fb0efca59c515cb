import { AuthError } from '../auth-error.js';
import type { Clock } from '../clock.js';
import { whenAborted } from '../when-aborted.js';

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
  const waiting: (() => void)[] = [];
  const ended = new Promise<undefined>((resolve) => {
    const end = (): void => resolve(undefined);
    waiting.push(whenAborted(signal, () => waiting.push(clock.schedule(end, LAST_ANSWER_TIMEOUT_MS, true))));
  });
  try {
    const outcome = await Promise.race([answer.then((value) => ({ value })), ended]);
    if (outcome === undefined || (signal.aborted && !isGrant(outcome.value))) throw loginAborted(signal);
    return outcome.value;
  } catch (error) {
    throw signal.aborted ? loginAborted(signal) : error;
  } finally {
    for (const cancel of waiting) cancel();
  }
}
