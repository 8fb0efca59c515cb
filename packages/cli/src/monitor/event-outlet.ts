import { createAuthenticatedClient } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { openAuthManager, type OpenedManager } from '../open-auth-manager.js';
import { serviceUrl, type AccountFlags } from '../settings.js';
import { createBatchSender } from './batch-sender.js';
import { EventBatcher } from './event-batcher.js';
import { EventDelivery } from './event-delivery.js';
import { MemoryEventQueue } from './memory-event-queue.js';
import type { MonitorEvent } from './monitor-event.js';
import type { NoticeListener } from './monitor-notice.js';

/** From the end of a session a refresh that was sent may take this long in all. */
const STOP_MS = 5_000;

/** Where events go: batched, queued, and delivered to the API with a token of the account. */
export type EventOutlet = {
  readonly manager: OpenedManager['manager'];
  /** Takes an event. Returns at once, whatever the API does. */
  readonly add: (event: MonitorEvent) => void;
  /** Delivers what is left for at most `timeLimitMs`. Resolves with how many events were not delivered. */
  readonly finish: (timeLimitMs: number) => Promise<number>;
  /** Ends what runs behind, once {@link finish} is through; a refresh that was sent is waited for. */
  readonly stop: () => Promise<void>;
};

/** @throws {AuthError} when the settings are wrong; trouble that may pass is no failure. */
export async function openEventOutlet(
  flags: AccountFlags,
  context: CommandContext,
  session: { readonly correlationId: string; readonly notify: NoticeListener },
): Promise<EventOutlet> {
  const { clock, random } = context;
  const { manager, account } = await openAuthManager(flags, context);
  const delivery = new EventDelivery({
    queue: new MemoryEventQueue(),
    send: createBatchSender({
      url: serviceUrl(account.endpoint.value, '/api/events/batch'),
      fetch: createAuthenticatedClient(manager, 'monitoring'),
      clock,
    }),
    clock,
    random,
    notify: session.notify,
  });
  const batcher = new EventBatcher({
    correlationId: session.correlationId,
    cliVersion: context.version,
    clock,
    onBatch: (batch) => delivery.deliver(batch),
  });
  let endedAtMs: number | undefined;
  return {
    manager,
    add: (event) => batcher.add(event),
    async finish(timeLimitMs) {
      endedAtMs ??= clock.monotonicMs();
      batcher.flush();
      return delivery.finish(timeLimitMs);
    },
    async stop() {
      const timeLeftMs = STOP_MS - (clock.monotonicMs() - (endedAtMs ?? clock.monotonicMs()));
      await Promise.race([
        manager.stop(),
        new Promise<void>((resolve) => clock.schedule(resolve, timeLeftMs, true)),
      ]);
    },
  };
}
