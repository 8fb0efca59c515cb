import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit-code.js';
import { LiveState } from './live-state.js';
import { RequestGuard } from './request-guard.js';

const LOOPBACK = '127.0.0.1';

/** A dashboard that runs. */
export type RunningDashboard = {
  /** The link that opens it, once. */
  readonly url: string;
  /** Resolves when the link was used. */
  readonly opened: Promise<void>;
  readonly close: () => Promise<void>;
};

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
};

/** Nothing but our own files runs, and nothing may be sent anywhere else. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/**
 * Serves the dashboard to the browser that has the link, on this machine only. It reads, and changes nothing.
 *
 * @throws {CliError} where the port is taken.
 */
export async function startDashboard(port: number, context: CommandContext): Promise<RunningDashboard> {
  const server = createServer();
  const own = await listen(server, port);
  const live = new LiveState(context);
  const guard = new RequestGuard(own);
  const opened = new Promise<void>((resolve) => {
    server.on('request', (request, response) => {
      for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
      const admission = guard.admit({ path: pathOf(request), headers: request.headers });
      if (admission.kind === 'admitted')
        serve(request, response, live, join(context.bundleFolder, 'dashboard'));
      else if (admission.kind === 'refused')
        end(response, admission.status, `km dashboard: ${admission.why}`);
      else {
        welcome(request, response, admission.cookie);
        resolve();
      }
    });
  });
  return {
    url: `http://${LOOPBACK}:${String(own)}${guard.openPath}`,
    opened,
    async close() {
      live.close();
      await new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      });
    },
  };
}

/** Resolves with the port it listens on. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'something else listens there' : error.message;
      reject(
        new CliError(
          `the dashboard cannot listen on port ${String(port)}: ${why}; leave --port out for a free one`,
          {
            exitCode: EXIT.failed,
          },
        ),
      );
    });
    server.listen({ port, host: LOOPBACK }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** What the page that led here adds to the link. */
export const BY_PAGE = '?by=page';

/**
 * Gives the cookie, and leads on. A browser counts where a redirect began: one that another page led here would not bring
 * the cookie along, and so goes on from a page of our own.
 */
function welcome({ url = '' }: IncomingMessage, response: ServerResponse, cookie: string): void {
  response.setHeader('Set-Cookie', cookie);
  if (url.endsWith(BY_PAGE))
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(ONWARD);
  else response.writeHead(303, { Location: '/' }).end();
}

const ONWARD =
  '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/"><title>km dashboard</title>\n';

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

function serve(request: IncomingMessage, response: ServerResponse, live: LiveState, folder: string): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    end(response, 405, 'the dashboard only shows');
    return;
  }
  const path = pathOf(request);
  const file = FILES[path];
  if (path === '/live' && request.method === 'GET') live.attach(response);
  else if (path === '/favicon.ico') response.writeHead(204).end();
  else if (file === undefined) end(response, 404, 'there is no such page');
  else serveFile(response, join(folder, file[0]), file[1]);
}

/** While `km` is being installed again its files may be gone for a moment. */
function serveFile(response: ServerResponse, path: string, type: string): void {
  try {
    const bytes = readFileSync(path);
    response.writeHead(200, { 'Content-Type': type }).end(bytes);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    end(response, 500, `a file of the dashboard cannot be read: ${why}; load the page again`);
  }
}
