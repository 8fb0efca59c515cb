import { randomUUID } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { createNetwork } from '../network/network.js';
import { userAgentOf } from '../network/user-agent.js';
import { CaptureSession } from './capture-session.js';
import type { CaptureThreadData, ThreadOrder, ThreadReport } from './capture-thread.js';

/**
 * Where the processor is short, the client, the server and what passes between them go first. More than this, and on a busy
 * machine what passes would wait for seconds until it is safe on the disk.
 */
const STEPS_BACK = 3;

const data = workerData as CaptureThreadData;
const report = (message: ThreadReport) => parentPort?.postMessage(message);

const context: CommandContext = {
  version: data.version,
  commandName: () => 'monitor',
  bundleFolder: data.bundleFolder,
  environment: process.env,
  isDebug: data.isDebug,
  clock: systemClock,
  random: Math.random,
  createId: randomUUID,
  stdin: () => process.stdin,
  screen: () => undefined,
  stdout: () => process.stdout,
  stderr: () => process.stderr,
  answer: () => Promise.resolve(true),
  tell: (line) => report({ type: 'tell', text: `${line}\n` }),
  prompt: (text) => report({ type: 'tell', text }),
  ...createNetwork(process.env, systemClock, userAgentOf(data.version)),
  process,
  onExit: (listener) => {
    process.on('exit', listener);
  },
  // The thread that the traffic runs on has them.
  onSignal: () => () => undefined,
};

try {
  yieldProcessor();
} catch {
  // Only Linux gives each thread a priority of its own.
}

/** Lowers the priority of this thread, and of those that help it: V8's collect its garbage. What is begun later inherits it. */
function yieldProcessor(): void {
  const [own, main] = [basename(readlinkSync('/proc/thread-self')), String(process.pid)];
  const niceness = Math.min(getPriority(Number(main)) + STEPS_BACK, constants.priority.PRIORITY_LOW);
  setPriority(Number(own), niceness);
  for (const thread of readdirSync('/proc/self/task')) {
    if (thread !== main) setPriority(Number(thread), niceness);
  }
}

const session = new CaptureSession(data, context, report);
report({ type: 'running' });
parentPort?.on('message', (order: ThreadOrder) => {
  switch (order.type) {
    case 'wake':
      session.wake();
      break;
    case 'started':
      session.started(order.serverPid);
      break;
    case 'secure':
      void session.secure();
      break;
    case 'kept':
      session.kept(order.isWhole);
      break;
    case 'hurry':
      session.hurry();
      break;
    case 'finish':
      void session.finish(order).then((isSafe) => report({ type: 'finished', isSafe }));
  }
});
