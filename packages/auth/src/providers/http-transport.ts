import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../clock.js';
import { messageOf } from '../message-of.js';
import { countSeenTime } from '../seen-time.js';
import { readUnpacked, textOf } from './answer-body.js';

/** What a connection shows of the client, and whom it trusts; in PEM. */
export type TlsCredentials = { readonly cert: string; readonly key: string; readonly ca?: readonly string[] };

/** A request with a small body, or none. */
export type HttpRequest = {
  readonly url: URL;
  /** Default `POST`. */
  readonly method?: 'GET' | 'POST';
  /** Where the client shows a certificate, or trusts others than the system does. */
  readonly tls?: TlsCredentials | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** How long connecting may take, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * How long to wait for the whole answer once the request was sent, in milliseconds; for its end, from when it begins,
   * `timeoutMs` at least. Only time in which it could have been seen counts, here and above: not while the process was stopped.
   */
  readonly answerTimeoutMs: number;
};

/** A whole answer. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** Sends one request, follows nothing, throws {@link TransportError} when no whole answer came. */
export type HttpTransport = (request: HttpRequest) => Promise<HttpAnswer>;

/** No whole answer came. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** Whether the server may have received the request. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.wasSent = wasSent;
  }

  /** `instanceof` holds for the errors of every copy of this library in a program. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    // What extends this inherits it, and is a kind of its own.
    if (this !== TransportError) return Function.prototype[Symbol.hasInstance].call(this, error);
    return error instanceof Error && 'wasSent' in error;
  }
}

/** Reads a body, whatever it is packed in. */
async function readText(answer: IncomingMessage): Promise<string> {
  const bytes = await readUnpacked(answer, answer.headers['content-encoding']).catch((error: unknown) => {
    if (error !== answer.errored) throw error;
    throw new Error('the connection was closed in the middle of the answer', { cause: error });
  });
  return textOf(bytes);
}

function tlsOptions(tls: TlsCredentials | undefined): { cert?: string; key?: string; ca?: string[] } {
  if (tls === undefined) return {};
  const { cert, key, ca } = tls;
  return { cert, key, ...(ca !== undefined && { ca: [...ca] }) };
}

/**
 * Whether a request goes out over it as it is: one that an agent kept, or made before it gave it, tells nobody any more that it is
 * connected.
 */
function isConnected(socket: Socket): boolean {
  // Node has it, and its types do not.
  const { secureConnecting = false } = socket as { readonly secureConnecting?: boolean };
  return !socket.connecting && !secureConnecting;
}

/** How {@link createNodeTransport} connects. */
export type NodeTransportOptions = {
  /** Measures the limits. Default: the clock of this machine. */
  readonly clock?: Clock;
  /** What makes the connection to a URL, as through a proxy; where it gives nothing, Node does. */
  readonly agent?: (url: URL) => Promise<Agent | undefined>;
  /** The program that requests say sends them, as `name/1.2.3`, where their headers name none. Default `kilometers-auth`. */
  readonly userAgent?: string;
};

/**
 * A transport over `node:http` and `node:https`, one connection a request: a kept one may be closed by
 * the server at the very moment it is used again, and the answer to a single-use refresh token be lost.
 */
export function createNodeTransport({
  clock = systemClock,
  agent,
  userAgent = 'kilometers-auth',
}: NodeTransportOptions = {}): HttpTransport {
  const send = (request: HttpRequest, connections: Agent | false): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      let wasSent = false;
      let stopCounting: () => number = () => 0;
      // Loaded when something is sent: most programs find their token in the cache.
      const http = process.getBuiltinModule(request.url.protocol === 'https:' ? 'node:https' : 'node:http');
      const outgoing = http.request(request.url, {
        method: request.method ?? 'POST',
        agent: connections,
        ...tlsOptions(request.tls),
        headers: {
          // There are services that refuse what does not say it: RFC 9110 §10.1.5.
          'user-agent': userAgent,
          accept: '*/*',
          // Who asks for none in particular may be sent any: RFC 9110 §12.5.3.
          'accept-encoding': 'identity',
          ...request.headers,
          'content-length': String(Buffer.byteLength(request.body)),
        },
      });
      const fail = (error: unknown): void => {
        stopCounting();
        outgoing.destroy();
        reject(new TransportError(messageOf(error), wasSent, { cause: error }));
      };
      const allow = (timeoutMs: number, what: string): void => {
        stopCounting();
        stopCounting = countSeenTime(clock, timeoutMs, () => {
          fail(new Error(`${what} took more than ${String(Math.round(timeoutMs))} ms`));
        });
      };

      allow(request.timeoutMs, 'connecting');
      outgoing.on('socket', (socket) => {
        const waitForAnswer = (): void => {
          wasSent = true;
          allow(request.answerTimeoutMs, 'waiting for the answer');
        };
        if (isConnected(socket)) waitForAnswer();
        else socket.once(request.url.protocol === 'https:' ? 'secureConnect' : 'connect', waitForAnswer);
      });
      outgoing.on('error', fail);
      outgoing.on('response', (answer) => {
        allow(Math.max(stopCounting(), request.timeoutMs), 'reading the answer');
        readText(answer).then((text) => {
          stopCounting();
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
          outgoing.destroy();
        }, fail);
      });
      outgoing.end(request.body);
    });
  if (agent === undefined) return (request) => send(request, false);
  return async (request) => {
    const connections = await agent(request.url).catch((error: unknown) => {
      throw new TransportError(messageOf(error), false, { cause: error });
    });
    return send(request, connections ?? false);
  };
}
