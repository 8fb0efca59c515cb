import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { systemSleep } from './ambient.js';
import { LocalApiError } from './errors.js';
import type { ApiEnv } from './services.js';

/** Where to listen. */
export type ListenOptions = {
  /** 0, the default, is any free port. */
  readonly port?: number;
  /** `127.0.0.1` unless told: nobody else on the network can reach it. */
  readonly hostname?: string;
};

/** An open socket. */
export type Listening = {
  /** `http://127.0.0.1:8787`, no slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly hostname: string;
  /** Ends it: idle connections at once, busy ones after a moment. */
  readonly close: () => Promise<void>;
};

/** A request that is being answered when the API closes has so long to finish. */
const FAREWELL_MS = 200;

/**
 * Serves `app` on a socket.
 *
 * @throws {LocalApiError} `KM_LOCAL_API_PORT_IN_USE`, `KM_LOCAL_API_CANNOT_LISTEN`, `KM_LOCAL_API_BAD_OPTION`.
 */
export async function listen(app: Hono<ApiEnv>, options: ListenOptions = {}): Promise<Listening> {
  const { hostname = '127.0.0.1', port = 0 } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new LocalApiError('KM_LOCAL_API_BAD_OPTION', `port must be from 0 to 65535, not ${port}`);
  }
  const onRequest = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((incoming, outgoing) => void onRequest(incoming, outgoing));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(cannotListen(hostname, port, cause));
    });
    server.listen(port, hostname, resolve);
  });
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host}:${boundPort}`,
    port: boundPort,
    hostname,
    close: () => (closed ??= closeServer(server)),
  };
}

async function closeServer(server: Server): Promise<void> {
  const ended = new AbortController();
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  const farewell = systemSleep(FAREWELL_MS, ended.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await closed;
  ended.abort();
  await farewell;
}

function cannotListen(hostname: string, port: number, cause: Error): LocalApiError {
  const where = `port ${port} on ${hostname}`;
  if ('code' in cause && cause.code === 'EADDRINUSE') {
    const message = `${where} is already in use; choose another port, or 0 for any free one`;
    return new LocalApiError('KM_LOCAL_API_PORT_IN_USE', message, { cause });
  }
  return new LocalApiError('KM_LOCAL_API_CANNOT_LISTEN', `cannot listen on ${where}: ${cause.message}`, {
    cause,
  });
}
