import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './folder.js';

/** The built command, as `npm ci && npm run build` leaves it; `KM_UNDER_TEST` names another one. */
export const KM =
  process.env['KM_UNDER_TEST'] ?? fileURLToPath(new URL('../../node_modules/.bin/km', import.meta.url));

export const API_KEY = 'km_live_e2e';

/** What `km` ended with. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A running `km`. */
export type RunningKm = {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: () => Buffer;
  readonly stderr: () => string;
  readonly ended: Promise<Ending>;
};

/** An environment with nothing in it that could come from the machine: no HOME, no account. */
export function environment(variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: temporaryFolder(), ...variables };
}

/** The environment of someone with an API key for the API at `url`. */
export function accountAt(
  url: string,
  variables: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return environment({ KILOMETERS_API_ENDPOINT: url, KILOMETERS_API_KEY: API_KEY, ...variables });
}

/** Starts `km`; it is killed after the test if it is still there. */
export function startKm(args: readonly string[], env: Record<string, string> = environment()): RunningKm {
  return start(process.execPath, [KM, ...args], env);
}

/** Starts a program, collecting what it says; it is killed after the test if it is still there. */
export function start(file: string, args: readonly string[], env: Record<string, string>): RunningKm {
  const child = spawn(file, args, { env });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A program that ended does not take what is still being written to it.
  child.stdin.on('error', () => undefined);
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Until it is gone it may write to its folder, which is removed next.
    const gone = once(child, 'exit');
    if (child.kill('SIGKILL')) await gone;
  });
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, stdout: () => Buffer.concat(out), stderr: () => Buffer.concat(err).toString(), ended };
}

/** Runs `km` to its end, with `input` as all it gets to read. */
export async function runKm(
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string | Uint8Array } = {},
) {
  const km = startKm(args, options.env);
  km.child.stdin.end(options.input ?? '');
  const ending = await km.ended;
  return { ...ending, stdout: km.stdout().toString(), bytes: km.stdout(), stderr: km.stderr() };
}

/** Arguments that run `script`, JavaScript text, as a server under the monitor. */
export function monitoring(script: string, ...options: readonly string[]): string[] {
  return ['monitor', ...options, '--server', '--', process.execPath, '-e', script];
}
