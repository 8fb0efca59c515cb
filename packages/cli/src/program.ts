import { Command, CommanderError } from 'commander';
import { authCommand } from './auth-command.js';
import { addAccountOptions, addExample, answerHelpInFront } from './command-options.js';
import { completeCommand, completionCommand } from './completion-command.js';
import type { DashboardFlags } from './commands/dashboard.js';
import type { DevFlags } from './commands/dev.js';
import type { DoctorFlags } from './commands/doctor.js';
import type { InitFlags } from './commands/init.js';
import type { CommandContext } from './command-context.js';
import { EXIT } from './exit-code.js';
import { collect, parseClient, parseDuration, parsePort, parseSize, parseTokenTtl } from './flag-values.js';
import type { MonitorFlags } from './monitor/monitor-flags.js';
import { NARROW_HELP } from './narrow-help.js';
import { withNearestCommand } from './nearest-command.js';
import { queueCommand } from './queue-command.js';
import { pluginsCommand } from './plugins-command.js';

/** Runs the command line `args` and resolves with the exit code. */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = EXIT.done;
  let commandName = '';
  // Commander does not wait until its help is out.
  let written = Promise.resolve(true);
  const answer = (text: string): Promise<boolean> => (written = context.answer(text));
  const program = createProgram({ ...context, answer, commandName: () => commandName }, (code) => {
    exitCode = code;
  });
  program.hook('preAction', (_, command) => {
    commandName = nameOf(command);
  });
  try {
    await program.parseAsync(helpAsFlag(args, program), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    await written;
    // Commander has said what is wrong. Help that was asked for is no mistake.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

/**
 * `help` in the place of a command becomes `--help` after the command that follows: `help auth token`, `auth help token`.
 * A group that is called with no command is a question for its help, too. What a command would run is not run for it; and
 * of what is no command there is no help: without the flag it is unknown. After a command that takes words, `help` is one as
 * any other: a profile may have that name.
 */
function helpAsFlag(args: readonly string[], program: Command): readonly string[] {
  let group = program;
  const names: string[] = [];
  let isAsked = false;
  for (const word of args) {
    const isCommandNext = group.commands.length > 0;
    if (word === 'help' && (isCommandNext || group.registeredArguments.length === 0)) {
      isAsked = true;
      continue;
    }
    const next = group.commands.find((command) => command.name() === word);
    if (next === undefined) {
      if (isCommandNext && !word.startsWith('-')) return [...names, word];
      return isAsked ? [...names, '--help'] : args;
    }
    names.push(word);
    group = next;
  }
  return isAsked || group.commands.length > 0 ? [...names, '--help'] : args;
}

/** `auth token`, of the command that runs. */
function nameOf(command: Command): string {
  const above = command.parent?.parent == null ? '' : `${nameOf(command.parent)} `;
  return above + command.name();
}

/** The commands of `km`; each hands its exit code to `exitWith`. */
export function createProgram(context: CommandContext, exitWith: (code: number) => void): Command {
  const program: Command = new Command('km')
    .description('Log in once; every process gets a valid token. Monitors MCP servers.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp(NARROW_HELP)
    .configureOutput({
      // As every answer: a reader that went away is no failure.
      writeOut: (text) => void context.answer(text),
      outputError: (message, write) => {
        write(`km: ${oneLine(withNearestCommand(message, program))}\n`);
      },
    });
  addExample(program, 'km monitor --server -- node my-mcp-server.js');
  program.addCommand(initCommand(context, exitWith).copyInheritedSettings(program));
  program.addCommand(answerHelpInFront(monitorCommand(context, exitWith).copyInheritedSettings(program)));
  program.addCommand(authCommand(program, context, exitWith));
  program.addCommand(queueCommand(program, context, exitWith));
  program.addCommand(pluginsCommand(program, context, exitWith));
  program.addCommand(devCommand(context, exitWith).copyInheritedSettings(program));
  program.addCommand(dashboardCommand(context, exitWith).copyInheritedSettings(program));
  program.addCommand(doctorCommand(context, exitWith).copyInheritedSettings(program));
  program.addCommand(completionCommand(context, exitWith).copyInheritedSettings(program));
  program.addCommand(completeCommand(program, context, exitWith), { hidden: true });
  return program;
}

function initCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const command = new Command('init')
    .description('set a profile up: write its configuration, and log in')
    .option('--api-key <key>', 'log in with it; other users of this machine can see it')
    .option('--force', 'replace a profile that is there already');
  addAccountOptions(command);
  addExample(command, 'km init');
  return command.action(async (flags: InitFlags) => {
    const { runInit } = await import('./commands/init.js');
    exitWith(await runInit(flags, context));
  });
}

function monitorCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const command: Command = new Command('monitor')
    .description('run an MCP server as if km were not there, and send each message to the API as an event')
    .argument('[command...]', 'the server and its arguments, after "--"')
    .option('--server', 'the command is an MCP server on stdin and stdout (the default)')
    .option('--verbose', 'print a line for each message on stderr')
    .option('--log <file>', 'append what happens to a file, one JSON object a line')
    .option('--summary', 'print at the end, on stderr, what passed and how long answers took')
    .option('--local', 'send nothing to the API; needs no login')
    .option(
      '--redact <path>',
      "replace a field before it leaves this machine, as in 'params.arguments.password'; may be given more than once",
      collect,
    )
    .option('--max-payload <size>', 'record longer messages by size and hash only (default: 1MiB)', parseSize)
    .option('--pass-env', "give the server km's own secrets, such as KILOMETERS_API_KEY, as well")
    .option(
      '--print-config <client>',
      'print what goes into the configuration of claude, cursor or vscode, and run nothing',
      parseClient,
    )
    .passThroughOptions();
  addAccountOptions(command);
  addExample(command, 'km monitor --server -- node my-mcp-server.js --its-own-flag');
  return command.action(async (words: readonly string[], flags: MonitorFlags) => {
    const [file, ...args] = words;
    if (file === undefined || file === '') {
      command.error('missing the server to run; usage: km monitor --server -- COMMAND [ARGUMENT...]');
    }
    if (flags.printConfig !== undefined) {
      const { runMonitorConfig } = await import('./commands/monitor-config.js');
      exitWith(await runMonitorConfig(flags.printConfig, [file, ...args], flags, context));
      return;
    }
    const { runMonitor } = await import('./commands/monitor.js');
    exitWith(await runMonitor([file, ...args], flags, context));
  });
}

function devCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const command = new Command('dev')
    .description('run the Kilometers API on this machine, to try things out and to test against')
    .option('--port <number>', 'where to listen; 0 for any free port', parsePort, 8787)
    .option('--token-ttl <duration>', 'how long a token lives, from 1s', parseTokenTtl)
    .option('--api-key <key>', 'an API key to let in; may be given more than once', collect)
    .option('--db <file>', 'keep the state in a file; without it, it ends with the process')
    .option(
      '--fail <spec>',
      "trouble to begin with, as in 'status=503,count=2'; may be given more than once",
      collect,
    )
    .option('--latency <duration>', 'answer every request this much later', parseDuration);
  addExample(command, 'km dev --port 8787 --token-ttl 60s --api-key km_live_example');
  return command.action(async (flags: DevFlags) => {
    const { runDev } = await import('./commands/dev.js');
    exitWith(await runDev(flags, context));
  });
}

function dashboardCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const command = new Command('dashboard')
    .description('show logins, tokens and the queue in a browser, live; it changes nothing')
    .option('--port <number>', 'where to listen, on this machine only; 0 for any free port', parsePort, 0)
    .option('--no-open', 'print the link, and open no browser');
  addExample(command, 'km dashboard --no-open');
  return command.action(async (flags: DashboardFlags) => {
    const { runDashboard } = await import('./commands/dashboard.js');
    exitWith(await runDashboard(flags, context));
  });
}

function doctorCommand(context: CommandContext, exitWith: (code: number) => void): Command {
  const command = new Command('doctor')
    .description('look at all that a token needs, and say what to do about what is wrong')
    .option('--fix', 'narrow the modes of files that other users can get at')
    .option('--json', 'print it as JSON');
  addAccountOptions(command);
  addExample(command, 'km doctor --json');
  return command.action(async (flags: DoctorFlags) => {
    const { runDoctor } = await import('./commands/doctor.js');
    exitWith(await runDoctor(flags, context));
  });
}

/** What commander says of a mistake, in one line: `unknown option '--sever' (Did you mean --server?)`. */
function oneLine(message: string): string {
  const line = message
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
  const saysWhatToDo = /\(Did you mean |; usage: | is invalid\. /.test(line);
  return saysWhatToDo ? line : `${line.replace(/\.$/, '')}; see km --help, and --help after any command`;
}
