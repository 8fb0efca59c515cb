import type { Agent, IncomingMessage } from 'node:http';
import { readUnpacked } from '@kilometers/auth';

/** Statuses whose answers have no body (the fetch standard's "null body status"). */
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * A `fetch` over `node:http` and `node:https`, whose connections the agent makes that there is for a URL. Node's own takes
 * none, and before its first request compiles a parser, which takes longer than most answers. Follows no redirect: whoever
 * wants to follows it by hand, and decides what it may see.
 *
 * @param userAgent who sends, where a request does not say it.
 */
export function createAgentFetch(agentFor: (url: URL) => Promise<Agent>, userAgent: string): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const agent = await agentFor(url);
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    request.signal.throwIfAborted();
    // Loaded when something is sent: most commands send nothing.
    const http = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
    return new Promise<Response>((resolve, reject) => {
      const outgoing = http.request(url, {
        agent,
        method: request.method,
        headers: {
          // There are services that refuse what does not say it: RFC 9110 §10.1.5.
          'user-agent': userAgent,
          accept: '*/*',
          // Who asks for none in particular may be sent any: RFC 9110 §12.5.3.
          'accept-encoding': 'identity',
          ...Object.fromEntries(request.headers),
          ...(body !== undefined && { 'content-length': body.length }),
        },
        signal: request.signal,
      });
      const fail = (cause: unknown): void => reject(new TypeError('fetch failed', { cause }));
      outgoing.on('error', (error) => {
        if (request.signal.aborted) reject(request.signal.reason as Error);
        else fail(error);
      });
      outgoing.on('response', (answer) => {
        try {
          resolve(responseOf(answer, request.signal));
        } catch (error) {
          // Nobody but the caller is to hear of it: what a listener throws ends the process.
          answer.destroy();
          fail(error);
        }
      });
      // A server that goes over to another protocol makes neither an error nor an answer.
      outgoing.on('close', () => fail(new Error('the connection was closed before an answer')));
      outgoing.end(body);
    });
  };
}

function responseOf(answer: IncomingMessage, signal: AbortSignal): Response {
  // Not with what it says beside the status, which is of no account (RFC 9112 §4) and can have what no `Response` takes.
  const { statusCode: status = 0, rawHeaders } = answer;
  // No `Response` can have it: what fails names it as those do who look at the status of an answer.
  if (status < 200 || status > 599) throw new Error(`HTTP ${status}`);
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  if (NO_BODY.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  const coding = headers.get('content-encoding');
  if (coding === null) return new Response(bodyOf(answer, answer, signal), { status, headers });
  // They are those of what was sent, not of what is read.
  headers.delete('content-encoding');
  headers.delete('content-length');
  return new Response(bodyOf(answer, unpacked(answer, coding), signal), { status, headers });
}

/** Whole, so that what it unpacks to is bounded. */
async function* unpacked(answer: IncomingMessage, coding: string): AsyncGenerator<Uint8Array, undefined> {
  yield await readUnpacked(answer, coding);
}

/**
 * What is left of an answer, which fails as that of Node's own `fetch` does: with the signal's reason, or a `TypeError`. Not by
 * `Readable.toWeb`, which throws where nobody can catch it once the body is let go.
 */
function bodyOf(
  answer: IncomingMessage,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        controller.error(
          signal.aborted ? signal.reason : new TypeError('terminated', { cause: whyCut(error) }),
        );
      }
    },
    cancel() {
      // Who reads no further needs no connection.
      answer.destroy();
    },
  });
}

function whyCut(error: unknown): unknown {
  const isReset = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
  return isReset
    ? new Error('the connection was closed in the middle of the answer', { cause: error })
    : error;
}
