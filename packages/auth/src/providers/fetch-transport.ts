import type { Clock } from '../clock.js';
import { messageOf } from '../message-of.js';
import { countSeenTime } from '../seen-time.js';
import { readAnswer, textOf } from './answer-body.js';
import { TransportError, type HttpAnswer, type HttpTransport } from './http-transport.js';

/**
 * A transport over a `fetch` that was given. It cannot tell a request that never left from one whose answer was
 * lost, so each failure counts as the latter.
 */
export function createFetchTransport(send: typeof fetch, clock: Clock): HttpTransport {
  return async (request): Promise<HttpAnswer> => {
    const { url, method = 'POST', headers, body, timeoutMs, answerTimeoutMs, tls } = request;
    if (tls !== undefined)
      throw new TransportError('a client certificate cannot be shown by a fetch that was given', false);
    const controller = new AbortController();
    const limitMs = timeoutMs + answerTimeoutMs;
    const stopCounting = countSeenTime(clock, limitMs, () => {
      controller.abort(new Error(`it took more than ${String(limitMs)} ms`));
    });
    try {
      const response = await send(url, {
        method,
        headers: { ...headers },
        ...(method === 'POST' && { body }),
        redirect: 'manual',
        signal: controller.signal,
      });
      // What stands in for a `fetch` may give no more than a text.
      const text = response.body ? textOf(await readAnswer(response.body)) : await response.text();
      return { status: response.status, headers: Object.fromEntries(response.headers), text };
    } catch (error) {
      throw new TransportError(messageOf(error), true, { cause: error });
    } finally {
      stopCounting();
    }
  };
}
