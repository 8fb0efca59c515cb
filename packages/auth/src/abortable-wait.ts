import { AuthError } from './auth-error.js';

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
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise
      .finally(() => {
        signal.removeEventListener('abort', abort);
      })
      .then(resolve, reject);
  });
}
