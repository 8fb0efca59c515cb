import { randomUUID } from 'node:crypto';
import { fstatSync } from 'node:fs';
import { systemClock } from '@kilometers/auth';
import type { CommandContext } from './command-context.js';
import { exitCodeFor } from './exit-code.js';
import { reportOf } from './failure-report.js';
import { createNetwork } from './network/network.js';
import { userAgentOf } from './network/user-agent.js';
import { saysYes } from './says-yes.js';
import { foldedFor } from './terminal/fold.js';
import { writeAtOnce } from './write-at-once.js';

/** Set when the command line is bundled. */
declare const KM_VERSION: string;

const STDOUT = 1;

/** Whether somebody may be looking at stdout. A stream that would know takes milliseconds to be made. */
function isScreen(): boolean {
  try {
    return fstatSync(STDOUT).isCharacterDevice();
  } catch {
    return false;
  }
}

function createContext(bundleFolder: string): CommandContext {
  const stderr = (): NodeJS.WriteStream => {
    if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
    return process.stderr;
  };
  return {
    version: KM_VERSION,
    commandName: () => '',
    bundleFolder,
    environment: process.env,
    isDebug: saysYes(process.env['KM_DEBUG']),
    clock: systemClock,
    random: Math.random,
    createId: randomUUID,
    stdin: () => process.stdin,
    stdout: () => process.stdout,
    screen: () => (isScreen() ? process.stdout : undefined),
    stderr,
    answer: (text) => writeAtOnce(text, () => process.stdout),
    tell: (line) => {
      const to = stderr();
      to.write(`${foldedFor(to, line)}\n`);
    },
    prompt: (text) => {
      const to = stderr();
      to.write(foldedFor(to, text));
    },
    ...createNetwork(process.env, systemClock, userAgentOf(KM_VERSION)),
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

/**
 * Runs a command in this process, and ends the process with its exit code.
 *
 * @param bundleFolder where the bundles are.
 */
export function runInProcess(run: (context: CommandContext) => Promise<number>, bundleFolder: string): void {
  const context = createContext(bundleFolder);
  const fail = (error: unknown): never => {
    context.tell(reportOf(error, context.isDebug));
    process.exit(exitCodeFor(error));
  };
  process.on('uncaughtException', fail);
  // A command that nothing keeps up any more, and that has not said how it went, has failed.
  process.exitCode = 1;
  run(context).then((exitCode) => process.exit(exitCode), fail);
}
