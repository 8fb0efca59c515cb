import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { settle } from './fake-clock.js';

/** A request, as it came in. */
export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** An answer; or a function that does with the connection what no answer can say. */
export type Reply =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string }
  | ((response: ServerResponse) => void);

export type HttpServer = AsyncDisposable & {
  readonly origin: string;
  readonly received: readonly Received[];
  /** How many connections were made to it. */
  readonly connections: () => number;
};

/** A real server on a free port of this machine; with `tls` it speaks that. */
export async function serve(answer: (received: Received) => Reply, tls?: TlsOptions): Promise<HttpServer> {
  const received: Received[] = [];
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8');
    });
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const last = { method, path: url, headers, body };
      received.push(last);
      const reply = answer(last);
      if (typeof reply === 'function') reply(response);
      else response.writeHead(reply.status ?? 200, reply.headers).end(reply.body ?? '');
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}`,
    received,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An origin at which nothing listens. */
export async function nowhere(): Promise<string> {
  const server = await serve(() => ({}));
  await server[Symbol.asyncDispose]();
  return server.origin;
}

/** Drops the connection without an answer. */
export function drop(response: ServerResponse): void {
  response.socket?.destroy();
}

/** Waits for the thing itself: sockets keep their own time. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await settle();
}
