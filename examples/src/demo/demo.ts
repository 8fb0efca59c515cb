import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import colours from 'yoctocolors';
import { EmbeddedApi } from './embedded-api.js';
import { findProgram } from './installed-programs.js';
import { showLogLine } from './km-log-view.js';
import type { LiveView } from './live-view.js';
import { MonitorLogTail } from './monitor-log-tail.js';
import { showSummary, type Counts } from './summary.js';
import { TourGuide } from './tour-guide.js';

const TOKEN_TTL_MS = 4_000;
/** How long the API is gone, in the middle of the demo. */
const OUTAGE_MS = 2_500;
/** How long km and the server may take to start, in milliseconds. */
const START_LIMIT_MS = 45_000;
/** How long the last messages are waited for at the API, in milliseconds. */
const DELIVERY_LIMIT_MS = 10_000;

export type DemoOptions = {
  /** How long the client asks, in milliseconds. */
  readonly durationMs: number;
  /** Where the API listens; 0 for any free port. */
  readonly port: number;
  /** An empty folder for the API's state and km's log. */
  readonly folder: string;
  readonly view: LiveView;
  /** Ends the demo early. */
  readonly signal: AbortSignal;
};

/**
 * Runs the demo and shows it.
 *
 * @throws {DemoError} when something it needs is missing.
 */
export async function runDemo(options: DemoOptions): Promise<Counts> {
  const { view, folder, durationMs } = options;
  const km = findProgram('@kilometers/cli', 'km', 'dist/main.cjs');
  const server = findProgram('@modelcontextprotocol/server-everything', 'mcp-server-everything');
  const api = await EmbeddedApi.start({ folder, tokenTtlMs: TOKEN_TTL_MS, port: options.port });
  view.line(
    'An MCP client talks to an MCP server through km, with tokens that live 4 seconds.',
    colours.bold,
  );
  view.line(`  API     ${api.url}, on this machine only`);
  view.line(`  server  @modelcontextprotocol/server-everything ${server.version}`);
  view.line('  km      km monitor --server -- node mcp-server-everything');
  view.line();

  const log = join(folder, 'km.log');
  let refreshes = 0;
  const tail = await MonitorLogTail.start(log, (line) => {
    if (line.type === 'token.refreshed') refreshes += 1;
    showLogLine(view, line);
  });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [km.path, 'monitor', '--log', log, '--server', '--', process.execPath, server.path],
    env: {
      ...getDefaultEnvironment(),
      KILOMETERS_API_ENDPOINT: api.url,
      KILOMETERS_API_KEY: api.apiKey,
      // The demo leaves nothing in the user's own cache.
      KM_CONFIG_DIR: join(folder, 'config'),
    },
    stderr: 'pipe',
  });
  const countMessages = counterOf(transport);
  showKmWarnings(transport, view);
  const client = new Client({ name: 'kilometers-demo', version: km.version });
  const over = new AbortController();
  // Not `AbortSignal.any` with `AbortSignal.timeout`: Node 20 may collect the timeout, and then it never fires.
  const end = () => over.abort();
  options.signal.addEventListener('abort', end);
  const { signal } = over;
  const guide = new TourGuide(client, view, signal);
  let timer: NodeJS.Timeout | undefined;
  try {
    await guide.call({
      name: 'initialize',
      ask: () => client.connect(transport).then(() => 'ready'),
      limitMs: START_LIMIT_MS,
    });
    timer = setTimeout(end, durationMs);
    const tour = guide.tour().finally(end);
    await Promise.all([tour, interrupt(api, view, durationMs / 2, signal)]);
    // km also delivers what is left when it is closed, but the client gives it two seconds for that, which a busy machine needs.
    await api.stored(countMessages(), DELIVERY_LIMIT_MS, options.signal);
  } finally {
    clearTimeout(timer);
    await client.close();
    await tail.stop();
    await api.stop();
  }
  const counts = {
    messages: countMessages(),
    storedEvents: api.storedEvents,
    failedCalls: guide.failedCalls,
    refreshes,
    refusals: api.refusals,
  };
  if (!options.signal.aborted) showSummary(view, counts);
  return counts;
}

/** Takes the API away for a while: calls go on, and events wait. */
async function interrupt(
  api: EmbeddedApi,
  view: LiveView,
  afterMs: number,
  signal: AbortSignal,
): Promise<void> {
  await delay(afterMs, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return;
  await api.stop();
  view.api('stopped, as in an outage');
  await delay(OUTAGE_MS, undefined, { signal }).catch(() => undefined);
  await api.startAgain();
  view.api('runs again, with the state it had');
}

/** Counts messages where the client has them: before they are sent, and when they have come. */
function counterOf(transport: StdioClientTransport): () => number {
  let messages = 0;
  const send = transport.send.bind(transport);
  transport.send = (message) => {
    messages += 1;
    return send(message);
  };
  // The client keeps a handler that is there before it connects, and calls it first.
  transport.onmessage = () => {
    messages += 1;
  };
  return () => messages;
}

/** Passes on what km says on stderr; what the server says there is its own affair. */
function showKmWarnings(transport: StdioClientTransport, view: LiveView): void {
  let rest = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('km: ')) view.note(line);
  });
}
