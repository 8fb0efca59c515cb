import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { CliError } from '../cli-error.js';

/** A command that runs in the place of `km`: with its terminal, its streams and its process group. */
export class ChildCommand {
  readonly #child: ChildProcess;
  /** Resolves when it has ended, with what a shell would say: its exit code, or 128 and the signal's number. */
  readonly exitCode: Promise<number>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exitCode = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
      });
    });
  }

  /**
   * Starts it.
   *
   * @throws {CliError} with exit code 127 when it is not found, and 126 when it cannot be executed.
   */
  static async start(
    [file, ...args]: readonly [string, ...string[]],
    environment: NodeJS.ProcessEnv,
  ): Promise<ChildCommand> {
    const process = spawn(file, args, { env: environment, stdio: 'inherit' });
    const command = new ChildCommand(process);
    await new Promise<void>((resolve, reject) => {
      process.once('spawn', resolve);
      process.once('error', (error: NodeJS.ErrnoException) => reject(startFailure(file, error)));
    });
    return command;
  }

  /** Sends `signal`, unless it has ended. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

function startFailure(file: string, cause: NodeJS.ErrnoException): CliError {
  const name = JSON.stringify(file);
  switch (cause.code) {
    case 'ENOENT':
      return new CliError(`${name} was not found; check the command after "--" and your PATH`, {
        exitCode: 127,
        cause,
      });
    case 'EACCES':
      return new CliError(`${name} may not be executed; check its permissions`, { exitCode: 126, cause });
    default:
      return new CliError(`${name} cannot be started: ${cause.message}`, { exitCode: 126, cause });
  }
}
