import type { CommandContext } from '../command-context.js';
import { Capture } from '../monitor/capture.js';
import { openClientOutput } from '../monitor/client-output.js';
import { openEventOutlet } from '../monitor/event-outlet.js';
import { MonitorLog } from '../monitor/monitor-log.js';
import { MonitorMessages } from '../monitor/monitor-messages.js';
import type { NoticeListener } from '../monitor/monitor-notice.js';
import { MonitorSession, type SessionEnding } from '../monitor/monitor-session.js';
import { exitCodeOf, startServer } from '../monitor/server-process.js';
import { SignalRelay } from '../monitor/signal-relay.js';
import type { AccountFlags } from '../settings.js';

/** At the end of a session events are delivered for at most this long. */
const FINISH_MS = 3_000;

export type MonitorFlags = AccountFlags & { readonly log?: string };

/** `km monitor`: runs an MCP server as if `km` were not there, and sends what passes to the API. */
export async function runMonitor(
  command: readonly [string, ...string[]],
  flags: MonitorFlags,
  context: CommandContext,
): Promise<number> {
  const { clock, createId, tell } = context;
  const log = flags.log === undefined ? undefined : new MonitorLog(flags.log, clock);
  const messages = new MonitorMessages((message) => tell(`km: ${message}`));
  const notify: NoticeListener = (notice) => {
    messages.onNotice(notice);
    log?.onNotice(notice);
  };

  const correlationId = createId();
  const outlet = await openEventOutlet(flags, context, { correlationId, notify });
  if (log !== undefined) outlet.subscribe(log.onAuthEvent);
  outlet.subscribe(messages.onAuthEvent);
  const capture = new Capture({ correlationId, clock, createId, notify, onEvent: outlet.add });

  const signals = new SignalRelay(context.onSignal);
  const server = await startServer(command, context.environment);
  context.onExit(() => server.abandon());
  notify({ type: 'session.started', correlationId, serverPid: server.pid });
  const client = { input: context.stdin(), output: openClientOutput(context.stdout) };
  const session = new MonitorSession({ server, client, capture, clock });
  signals.attach((signal) => session.forward(signal));
  outlet.start();

  const ending = await session.ended();
  const exitCode = exitCodeOf(ending.server);
  if (!ending.wasSignalled && exitCode !== 0) tell(`km: ${describeEnding(command, ending)}`);

  const left = await Promise.race([outlet.finish(FINISH_MS), signals.isUrgent.then(() => outlet.finish(0))]);
  await outlet.stop();
  notify({ type: 'session.ended', exitCode, ...left });
  await log?.close();
  return exitCode;
}

function describeEnding([file]: readonly [string, ...string[]], { server }: SessionEnding): string {
  const how =
    'code' in server ? `ended by itself with exit code ${server.code}` : `was ended by ${server.signal}`;
  return `the server ${JSON.stringify(file)} ${how}; what it said is above`;
}
