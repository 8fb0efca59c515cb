import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { systemClock } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { exitCodeFor } from './exit-code.js';
import { reportOf } from './failure-report.js';
import { createNetwork } from './network/network.js';

/** Set when the command line is bundled. */
declare const KM_VERSION: string;

const STDOUT = 1;

/**
 * Writes what can be written at once, without Node's stream, which takes a millisecond to be made. Returns what is
 * left: something where the other end is not ready, nothing where there is nobody any more.
 */
function writeAtOnce(text: string): Buffer {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
    return bytes.subarray(written);
  } catch (error) {
    // A reader that went away is no failure of ours.
    const isGone = (error as NodeJS.ErrnoException).code === 'EPIPE';
    return bytes.subarray(isGone ? bytes.length : written);
  }
}

function createContext(): CommandContext {
  const stderr = (): NodeJS.WriteStream => {
    if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
    return process.stderr;
  };
  return {
    version: KM_VERSION,
    commandName: () => '',
    bundleFolder: __dirname,
    environment: process.env,
    isDebug: process.env['KM_DEBUG'] === 'true',
    clock: systemClock,
    random: Math.random,
    createId: randomUUID,
    stdin: () => process.stdin,
    stdout: () => process.stdout,
    stderr,
    answer: (text) => {
      const left = writeAtOnce(text);
      if (left.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        process.stdout.once('error', resolve);
        process.stdout.write(left, () => {
          resolve();
        });
      });
    },
    tell: (line) => {
      stderr().write(`${line}\n`);
    },
    prompt: (text) => {
      stderr().write(text);
    },
    ...createNetwork(process.env, systemClock, (input, init) => fetch(input, init)),
    process,
    onExit: (listener) => {
      process.on('exit', listener);
    },
    onSignal(listener) {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  };
}

/** Runs a command in this process, and ends the process with its exit code. */
export function runInProcess(run: (context: CommandContext) => Promise<number>): void {
  const context = createContext();
  const fail = (error: unknown): never => {
    context.tell(reportOf(error, context.isDebug));
    process.exit(exitCodeFor(error));
  };
  process.on('uncaughtException', fail);
  // A command that nothing keeps up any more, and that has not said how it went, has failed.
  process.exitCode = 1;
  run(context).then((exitCode) => process.exit(exitCode), fail);
}
