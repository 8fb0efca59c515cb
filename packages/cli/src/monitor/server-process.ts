import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { CliError } from '../cli-error.js';
import { sourceOfChild, type ByteSource } from './byte-source.js';
import { windowsCommand } from './windows-command.js';
import { signalTree } from './windows-tree.js';

/** How the server ended: by itself, or by a signal. */
export type ServerEnding = { readonly code: number } | { readonly signal: NodeJS.Signals };

/** What of a child process a server is made of. */
type Child = Pick<ChildProcessByStdio<Writable, Readable, Readable | null>, 'stdin' | 'stdout' | 'stderr'> & {
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
};

/** The MCP server: a child in a process group of its own, so that what it starts can be ended with it. */
export class ServerProcess {
  readonly pid: number;
  readonly stdin: Writable;
  /** What it says. */
  readonly output: ByteSource;
  /** `null` where it has this process's own. */
  readonly stderr: Readable | null;
  /** Resolves when the server itself has ended; others of its group may still run. */
  readonly exited: Promise<ServerEnding>;
  readonly #signalTree: ((signal: NodeJS.Signals | 0) => void) | undefined;
  #hasExited = false;

  /** @param signalTree reaches it and what it started, where there are no process groups. */
  constructor(child: Child, pid: number, signalTree?: (signal: NodeJS.Signals | 0) => void) {
    this.pid = pid;
    this.#signalTree = signalTree;
    this.stdin = child.stdin;
    this.output = sourceOfChild(child.stdout);
    this.stderr = child.stderr;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#hasExited = true;
        resolve(signal === null ? { code: code ?? 1 } : { signal });
      });
    });
  }

  /** Kills what still runs: there will be nobody left to end it. */
  abandon(): void {
    if (!this.#hasExited) this.signalGroup('SIGKILL');
  }

  /** Sends `signal` to the server itself, if it still runs. */
  signal(signal: NodeJS.Signals): void {
    // Then its id may be that of another.
    if (this.#hasExited) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended just now.
    }
  }

  /** Sends `signal` to the whole group; `false` when nobody of it is left. Signal 0 only asks. */
  signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (this.#signalTree !== undefined) {
      // Without it nobody knows whom it started, and its id may be that of another.
      if (this.#hasExited) return false;
      this.#signalTree(signal);
      return true;
    }
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }
}

/**
 * Starts the server.
 *
 * @param stderr whether it has this process's own, or a pipe.
 * @throws {CliError} with exit code 127 or 126, as a shell has them, when it cannot be started.
 */
export async function startServer(
  command: readonly [string, ...string[]],
  { environment, stderr }: { readonly environment: NodeJS.ProcessEnv; readonly stderr: 'inherit' | 'pipe' },
): Promise<ServerProcess> {
  const isWindows = process.platform === 'win32';
  const { file, args, isVerbatim } = isWindows
    ? windowsCommand(command, { environment })
    : { file: command[0], args: command.slice(1), isVerbatim: false };
  const options = {
    env: environment,
    // On Windows it would have a console window of its own.
    ...(isWindows ? { windowsHide: true, windowsVerbatimArguments: isVerbatim } : { detached: true }),
  };
  const child =
    stderr === 'pipe'
      ? spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
      : spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
  const { pid } = child;
  const reach = (signal: NodeJS.Signals | 0): void => {
    if (pid !== undefined) signalTree(pid, signal, { environment });
  };
  const server = pid === undefined ? undefined : new ServerProcess(child, pid, isWindows ? reach : undefined);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => reject(startFailure(command[0], error)));
  });
  if (server === undefined) throw startFailure(command[0], new Error('the system gave it no process id'));
  return server;
}

/** What a shell's exit code says of a server that ended like this. */
export function exitCodeOf(ending: ServerEnding): number {
  return 'code' in ending ? ending.code : 128 + constants.signals[ending.signal];
}

function startFailure(file: string, cause: NodeJS.ErrnoException): CliError {
  if (cause.code === 'ENOENT') {
    const message = `cannot start the server: ${JSON.stringify(file)} was not found; check the command after "--" and your PATH`;
    return new CliError(message, { exitCode: 127, cause });
  }
  if (cause.code === 'EACCES') {
    const message = `cannot start the server: ${JSON.stringify(file)} may not be executed; check its permissions`;
    return new CliError(message, { exitCode: 126, cause });
  }
  return new CliError(`cannot start the server ${JSON.stringify(file)}: ${cause.message}`, {
    exitCode: 126,
    cause,
  });
}
