import { createAuthenticatedClient } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { createBatchSender } from '../monitor/batch-sender.js';
import { Capture } from '../monitor/capture.js';
import { openClientOutput } from '../monitor/client-output.js';
import { EventBatcher } from '../monitor/event-batcher.js';
import { EventDelivery } from '../monitor/event-delivery.js';
import { MemoryEventQueue } from '../monitor/memory-event-queue.js';
import { MonitorLog } from '../monitor/monitor-log.js';
import { MonitorMessages } from '../monitor/monitor-messages.js';
import type { NoticeListener } from '../monitor/monitor-notice.js';
import { MonitorSession, type SessionEnding } from '../monitor/monitor-session.js';
import { exitCodeOf, startServer } from '../monitor/server-process.js';
import { SignalRelay } from '../monitor/signal-relay.js';
import { openAuthManager } from '../open-auth-manager.js';
import { serviceUrl, type AccountFlags } from '../settings.js';

/** At the end of a session events are delivered for at most this long. */
const FINISH_MS = 3_000;
/** From the end of a session a refresh that was sent may take this long in all. */
const STOP_MS = 5_000;

export type MonitorFlags = AccountFlags & { readonly log?: string };

/** `km monitor`: runs an MCP server as if `km` were not there, and sends what passes to the API. */
export async function runMonitor(
  command: readonly [string, ...string[]],
  flags: MonitorFlags,
  context: CommandContext,
): Promise<number> {
  const { clock, createId, tell } = context;
  const { manager, account } = await openAuthManager(flags, context);
  const log = flags.log === undefined ? undefined : new MonitorLog(flags.log, clock);
  if (log !== undefined) manager.subscribe(log.onAuthEvent);
  const messages = new MonitorMessages((message) => tell(`km: ${message}`));
  manager.subscribe(messages.onAuthEvent);
  const notify: NoticeListener = (notice) => {
    messages.onNotice(notice);
    log?.onNotice(notice);
  };

  const correlationId = createId();
  const delivery = new EventDelivery({
    queue: new MemoryEventQueue(),
    send: createBatchSender({
      url: serviceUrl(account.endpoint.value, '/api/events/batch'),
      fetch: createAuthenticatedClient(manager, 'monitoring'),
      clock,
    }),
    clock,
    random: context.random,
    notify,
  });
  const batcher = new EventBatcher({
    correlationId,
    cliVersion: context.version,
    clock,
    onBatch: (batch) => delivery.deliver(batch),
  });
  const capture = new Capture({
    correlationId,
    clock,
    createId,
    notify,
    onEvent: (event) => batcher.add(event),
  });

  const signals = new SignalRelay(context.onSignal);
  const server = await startServer(command, context.environment);
  context.onExit(() => server.abandon());
  notify({ type: 'session.started', correlationId, serverPid: server.pid });
  const client = { input: context.stdin(), output: openClientOutput(context.stdout) };
  const session = new MonitorSession({ server, client, capture, clock });
  signals.attach((signal) => session.forward(signal));
  manager.start();

  const ending = await session.ended();
  const exitCode = exitCodeOf(ending.server);
  if (!ending.wasSignalled && exitCode !== 0) tell(`km: ${describeEnding(command, ending)}`);

  batcher.flush();
  const endedAtMs = clock.monotonicMs();
  const undelivered = await Promise.race([
    delivery.finish(FINISH_MS),
    signals.isUrgent.then(() => delivery.finish(0)),
  ]);
  const timeLeftMs = STOP_MS - (clock.monotonicMs() - endedAtMs);
  await Promise.race([
    manager.stop(),
    new Promise<void>((resolve) => clock.schedule(resolve, timeLeftMs, true)),
  ]);
  notify({ type: 'session.ended', exitCode, undelivered });
  await log?.close();
  return exitCode;
}

function describeEnding([file]: readonly [string, ...string[]], { server }: SessionEnding): string {
  const how =
    'code' in server ? `ended by itself with exit code ${server.code}` : `was ended by ${server.signal}`;
  return `the server ${JSON.stringify(file)} ${how}; what it said is above`;
}
