import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthError } from '../../auth-error.js';
import type { Clock } from '../../clock.js';
import { htmlOf, NOT_LOGGED_IN, NOTHING_HERE, PAGE_HEADERS, type CallbackPage } from './callback-page.js';
import type { RedirectUri } from './redirect-uri.js';

/** Decides what a browser that came back is shown. */
type Receive = (parameters: URLSearchParams) => Promise<CallbackPage>;

/** A page that a browser does not fetch is waited for this long, in milliseconds. */
const LAST_PAGE_TIMEOUT_MS = 1_000;

/**
 * Where a browser comes back to: a server that this machine alone can reach, for as long as one login takes.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc8252#section-7.3 | RFC 8252 §7.3}
 */
export class LoopbackServer {
  /** The whole address, with its port. */
  readonly redirectUri: string;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #pages = new Set<Promise<unknown>>();

  private constructor(server: Server, redirectUri: string, receive: Receive, clock: Clock) {
    this.redirectUri = redirectUri;
    this.#server = server;
    this.#clock = clock;
    const own = new URL(redirectUri);
    server.on('request', (request, response) => {
      const page = this.#serve(request, response, own, receive);
      this.#pages.add(page);
      void page.finally(() => this.#pages.delete(page));
    });
  }

  /** @throws {AuthError} `KM_AUTH_CONFIGURATION` when another program has the port. */
  static async listen(wanted: RedirectUri, receive: Receive, clock: Clock): Promise<LoopbackServer> {
    const server = createServer();
    try {
      server.listen(wanted.port ?? 0, wanted.address);
      await once(server, 'listening');
    } catch (error) {
      throw cannotListen(wanted, error);
    }
    const { port } = server.address() as AddressInfo;
    return new LoopbackServer(server, wanted.at(port), receive, clock);
  }

  /** Ends it, once what a browser is being shown has reached it. */
  async close(): Promise<void> {
    this.#server.close();
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.schedule(resolve, LAST_PAGE_TIMEOUT_MS, true);
    });
    await Promise.race([Promise.allSettled(this.#pages), late]);
    cancel();
    // Browsers open connections ahead, and keep them.
    this.#server.closeAllConnections();
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    { host, pathname }: URL,
    receive: Receive,
  ): Promise<void> {
    const { method = '', url = '' } = request;
    const at = URL.canParse(url, this.redirectUri) ? new URL(url, this.redirectUri) : undefined;
    // Another name for this machine is that of a page which was made to lead here.
    const isMeant = method === 'GET' && at?.pathname === pathname && request.headers.host === host;
    const page = isMeant ? await receive(at.searchParams).catch(() => NOT_LOGGED_IN) : NOTHING_HERE;
    const isOut = new Promise<void>((resolve) => {
      response.once('finish', resolve).once('close', resolve);
    });
    response.writeHead(page.status, PAGE_HEADERS).end(htmlOf(page));
    await isOut;
  }
}

function cannotListen({ address, port }: RedirectUri, error: unknown): AuthError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const why =
    code === 'EADDRINUSE'
      ? 'another program has this port: end that one, or choose a redirect URI with another port or none'
      : `${code}: choose another redirect URI`;
  return new AuthError(
    'KM_AUTH_CONFIGURATION',
    `the browser has nowhere to come back to: nothing can listen at ${address}${port === undefined ? '' : `:${String(port)}`} (${why})`,
    { cause: error },
  );
}
