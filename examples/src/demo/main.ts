// What `npm start` shows: the promise, kept. Options: --seconds N (20), --port N (any free one).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoError } from './demo-error.js';
import { LiveView } from './live-view.js';

/** As shells say it: 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`demo: ${message}\n`);
  process.exitCode = 1;
}

function readOptions(): { readonly durationMs: number; readonly port: number } {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, port: { type: 'string' } } });
  const seconds = Number(values.seconds ?? 20);
  const port = Number(values.port ?? 0);
  if (!(seconds >= 1 && seconds <= 3_600)) throw new DemoError('--seconds takes a number from 1 to 3600');
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new DemoError('--port takes a number up to 65535');
  return { durationMs: seconds * 1_000, port };
}

async function main(): Promise<void> {
  const options = readOptions();
  const view = new LiveView({
    isColoured: process.stdout.isTTY && !process.env['NO_COLOR'] && !process.env['CI'],
    print: (line) => process.stdout.write(`${line}\n`),
  });
  const stop = new AbortController();
  let stopped: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopped ??= EXIT_CODES[signal];
      stop.abort();
    });
  const folder = mkdtempSync(join(tmpdir(), 'kilometers-demo-'));
  try {
    // Loaded now, so that a package that is missing is said in our words.
    const { runDemo } = await import('./demo.js').catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DemoError(`cannot load what the demo needs; run "npm ci && npm run build" first (${reason})`);
    });
    const { brokenPromises } = await import('./summary.js');
    const counts = await runDemo({ ...options, folder, view, signal: stop.signal });
    if (stopped !== undefined) process.exitCode = stopped;
    else if (brokenPromises(counts).length > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main().catch(fail);
