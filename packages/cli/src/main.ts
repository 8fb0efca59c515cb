import { randomUUID } from 'node:crypto';
import { systemClock } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { exitCodeFor } from './exit-code.js';
import { reportOf } from './failure-report.js';
import { runProgram } from './program.js';

/** Set when the command line is bundled. */
declare const KM_VERSION: string;

const isDebug = process.env['KM_DEBUG'] === 'true';

const context: CommandContext = {
  version: KM_VERSION,
  bundleFolder: __dirname,
  environment: process.env,
  isDebug,
  clock: systemClock,
  random: Math.random,
  createId: randomUUID,
  stdin: () => process.stdin,
  stdout: () => process.stdout,
  stderr: () => process.stderr,
  answer: (text) =>
    new Promise((resolve) => {
      process.stdout.once('error', resolve);
      process.stdout.write(text, () => {
        resolve();
      });
    }),
  tell: (line) => {
    process.stderr.write(`${line}\n`);
  },
  prompt: (text) => {
    process.stderr.write(text);
  },
  fetch: (input, init) => fetch(input, init),
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

function fail(error: unknown): never {
  context.tell(reportOf(error, isDebug));
  process.exit(exitCodeFor(error));
}

// A reader that went away is no failure of ours.
process.stderr.on('error', () => undefined);
process.on('uncaughtException', fail);

// A command that nothing keeps up any more, and that has not said how it went, has failed.
process.exitCode = 1;
runProgram(process.argv.slice(2), context).then((exitCode) => process.exit(exitCode), fail);
