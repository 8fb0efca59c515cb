import { Command } from 'commander';
import { addAccountOptions, addExample } from './command-options.js';
import type { CommandContext } from './command-context.js';
import type { QueueClearFlags } from './commands/queue-clear.js';
import type { QueueFlushFlags } from './commands/queue-flush.js';
import type { QueueStatusFlags } from './commands/queue-status.js';

type ExitWith = (code: number) => void;

/** `km queue` and what is under it. */
export function queueCommand(program: Command, context: CommandContext, exitWith: ExitWith): Command {
  const queue = new Command('queue')
    .description('events that wait to be delivered')
    .copyInheritedSettings(program);
  addExample(queue, 'km queue status');
  for (const create of [statusCommand, flushCommand, clearCommand]) {
    queue.addCommand(create(context, exitWith).copyInheritedSettings(program));
  }
  return queue;
}

function statusCommand(context: CommandContext, exitWith: ExitWith): Command {
  const status = new Command('status')
    .description('say what waits, for whom, and since when; asks no server')
    .option('--json', 'print it as JSON');
  addExample(status, 'km queue status --json');
  return status.action(async (flags: QueueStatusFlags) => {
    const { runQueueStatus } = await import('./commands/queue-status.js');
    exitWith(await runQueueStatus(flags, context));
  });
}

function flushCommand(context: CommandContext, exitWith: ExitWith): Command {
  const flush = new Command('flush')
    .description('deliver what waits for an account, now')
    .option('--json', 'print it as JSON');
  addAccountOptions(flush);
  addExample(flush, 'km queue flush');
  return flush.action(async (flags: QueueFlushFlags) => {
    const { runQueueFlush } = await import('./commands/queue-flush.js');
    exitWith(await runQueueFlush(flags, context));
  });
}

function clearCommand(context: CommandContext, exitWith: ExitWith): Command {
  const clear = new Command('clear')
    .description('give up what waits, and what was set aside')
    .option('--profile <name>', 'only what this account captured')
    .option('--yes', 'do not ask')
    .option('--json', 'print it as JSON');
  addExample(clear, 'km queue clear --yes');
  return clear.action(async (flags: QueueClearFlags) => {
    const { runQueueClear } = await import('./commands/queue-clear.js');
    exitWith(await runQueueClear(flags, context));
  });
}
