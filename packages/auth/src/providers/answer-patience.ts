const ANSWER_TIMEOUT_MS = 90_000;

/**
 * How long the answer to what is good once is waited for where nothing else is set, in milliseconds: what is sent twice
 * costs the login, so patience is cheaper.
 */
export function defaultAnswerTimeoutMs(requestTimeoutMs: number): number {
  return Math.max(ANSWER_TIMEOUT_MS, requestTimeoutMs);
}
