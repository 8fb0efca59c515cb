import type { CommandContext } from '../command-context.js';
import { CaptureThread, type CaptureThreadOptions } from '../monitor/capture-thread.js';
import { openClientInput, openClientOutput } from '../monitor/client-streams.js';
import { serverEnvironment } from '../monitor/command-guard.js';
import { ErrorOutput } from '../monitor/error-output.js';
import { LastOutput } from '../monitor/last-output.js';
import { openMonitorLog } from '../monitor/monitor-log.js';
import { assertAccount, redactedPaths, type MonitorFlags } from '../monitor/monitor-flags.js';
import { MonitorSession, type SessionEnding } from '../monitor/monitor-session.js';
import { Prelude } from '../monitor/prelude.js';
import { exitCodeOf, startServer } from '../monitor/server-process.js';
import { SignalRelay } from '../monitor/signal-relay.js';
import { queueLimitsFrom } from '../queue/queue-limits.js';
import { usableEnvironment } from '../monitor/usable-environment.js';

/** `km monitor`: runs an MCP server as if `km` were not there, and sends what passes to the API. */
export async function runMonitor(
  command: readonly [string, ...string[]],
  flags: MonitorFlags,
  context: CommandContext,
): Promise<number> {
  const { clock } = context;
  // What the user wrote for this command is checked before anything runs; what may mend itself, or is set for all
  // programs, is no reason not to run the server.
  if (flags.local !== true) assertAccount(flags);
  const { environment, complaints } = usableEnvironment(context.environment);
  const redact = redactedPaths(flags);
  const serverEnv = serverEnvironment(context.environment, { passesSecrets: flags.passEnv === true });
  const logFd = flags.log === undefined ? undefined : openMonitorLog(flags.log);

  const signals = new SignalRelay(context.process);
  const errors = new ErrorOutput(clock, context.stderr);
  const server = await startServer(command, { environment: serverEnv, stderr: errors.forServer });
  context.onExit(() => server.abandon());
  if (server.stderr !== null) errors.relay(server.stderr);
  for (const complaint of complaints) errors.write(`km: ${complaint}\n`);
  const data: CaptureThreadOptions['data'] = {
    version: context.version,
    bundleFolder: context.bundleFolder,
    isDebug: context.isDebug,
    flags: {
      ...(flags.profile === undefined ? {} : { profile: flags.profile }),
      ...(flags.endpoint === undefined ? {} : { endpoint: flags.endpoint }),
    },
    correlationId: context.createId(),
    isLocal: flags.local === true,
    maxPayloadBytes: flags.maxPayload,
    redact,
    logFd,
    isVerbose: flags.verbose === true,
    hasSummary: flags.summary === true,
  };
  const ownContext = { ...context, environment };
  const prelude = data.isLocal
    ? undefined
    : new Prelude({
        clock,
        queueBytes: queueLimitsFrom(environment).maxBytes,
        begin: async () => {
          const { beginPrelude } = await import('../monitor/begin-prelude.js');
          return beginPrelude(data, ownContext);
        },
      });
  const thread = new CaptureThread({
    data,
    prelude,
    environment,
    clock,
    tell: errors.write,
    onRoom: () => session.goOn(),
  });
  const lastOutput = new LastOutput(clock);
  const session: MonitorSession = new MonitorSession({
    server,
    client: {
      input: openClientInput(context.stdin),
      output: openClientOutput(context.stdout, { clock, threadsStarted: thread.started }),
    },
    feed: thread.feed,
    clock,
    lastOutput,
    tell: (why) => errors.write(`km: what the server says cannot be written: ${why}\n`),
  });
  thread.tellStarted(server.pid);
  signals.attach((signal) => session.forward(signal));

  const ending = await session.ended();
  await errors.settled(lastOutput);
  const exitCode = exitCodeOf(ending.server);
  if (!ending.wasSignalled && exitCode !== 0) errors.write(`km: ${describeEnding(command, ending)}\n`);
  await thread.finish(exitCode, signals.isUrgent);
  await errors.settled(lastOutput);
  return exitCode;
}

function describeEnding([file]: readonly [string, ...string[]], { server }: SessionEnding): string {
  const how =
    'code' in server ? `ended by itself with exit code ${server.code}` : `was ended by ${server.signal}`;
  return `the server ${JSON.stringify(file)} ${how}; what it said is above`;
}
