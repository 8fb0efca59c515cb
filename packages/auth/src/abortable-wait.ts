import { AuthError } from './auth-error.js';
import type { Clock } from './clock.js';
import { whenAborted } from './when-aborted.js';

/**
 * `promise`, unless `signal` ends the wait first. What `promise` stands for goes on either way.
 *
 * @throws {AuthError} `KM_AUTH_ABORTED` when `signal` ended the wait.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(
        new AuthError(
          'KM_AUTH_ABORTED',
          'the caller stopped waiting for a token; a refresh under way goes on',
          {
            cause: signal.reason,
          },
        ),
      );
    };
    const cancel = whenAborted(signal, abort);
    // Listened to even then: a failure that nobody waits for is no reason to end the process.
    promise.finally(cancel).then(resolve, reject);
  });
}

/** What `promise` brings within `timeoutMs`; `otherwise` when it fails or takes longer. */
export async function withinDeadline<T>(
  promise: Promise<T>,
  otherwise: T,
  clock: Clock,
  timeoutMs: number,
): Promise<T> {
  let cancel: () => void = () => undefined;
  const deadline = new Promise<T>((resolve) => {
    cancel = clock.schedule(
      () => {
        resolve(otherwise);
      },
      timeoutMs,
      true,
    );
  });
  try {
    return await Promise.race([promise.catch(() => otherwise), deadline]);
  } finally {
    cancel();
  }
}
