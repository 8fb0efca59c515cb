import type { AuthEventListener } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { AccountAccess } from '../queue/account-access.js';
import { openEventQueue, type EventQueue, type Undelivered } from '../queue/event-queue.js';
import type { AccountFlags } from '../settings.js';
import type { MonitorEvent } from './monitor-event.js';
import type { NoticeListener } from './monitor-notice.js';

/** At the end of a session, once the delivery is through, the answer to a token request is waited for this long, */
const STOP_MS = 500;
/** and this long where a person's login may be over without it. */
const STOP_LOGIN_MS = 5_000;

/** Where events go: batched, queued, and delivered to the API with a token of the account. */
export type EventOutlet = {
  /** Tells `listener` what happens to tokens. */
  readonly subscribe: (listener: AuthEventListener) => void;
  /** Refreshes tokens and delivers what other sessions left, behind. */
  readonly start: () => void;
  /** Takes an event. Returns at once, whatever the API does. */
  readonly add: (event: MonitorEvent) => void;
  /** While events come faster than the disk takes them: resolves when it took them. */
  readonly congestion: () => Promise<void> | undefined;
  /** Whether all that was taken is at the API or on the disk by now, after writing what was not. */
  readonly secure: () => Promise<boolean>;
  /** Begins a file for what passes, to be looked at later; `undefined` where nothing is kept on the disk. */
  readonly beginPrelude: EventQueue['beginPrelude'];
  /** How large the queue on the disk may be, in bytes. */
  readonly queueBytes: number;
  /** Delivers what is left for at most `timeLimitMs`; the rest waits in the queue. */
  readonly finish: (timeLimitMs: number) => Promise<Undelivered>;
  /** Ends what runs behind, once {@link finish} is through; a refresh that was sent is waited for, for a while. */
  readonly stop: () => Promise<void>;
};

/** @throws {AuthError} when the settings are wrong; trouble that may pass is no failure. */
export async function openEventOutlet(
  flags: AccountFlags,
  context: CommandContext,
  session: { readonly correlationId: string; readonly notify: NoticeListener },
): Promise<EventOutlet> {
  const { clock } = context;
  const access = await AccountAccess.open(flags, context);
  const queue = await openEventQueue({ access, ...session }, context);
  return {
    subscribe: (listener) => access.subscribe(listener),
    start() {
      access.start();
      queue.start();
    },
    add: queue.add,
    congestion: queue.congestion,
    secure: queue.secure,
    beginPrelude: queue.beginPrelude,
    queueBytes: queue.maxBytes,
    finish: queue.finish,
    async stop() {
      const timeLimitMs = access.credential === 'refresh_token' ? STOP_LOGIN_MS : STOP_MS;
      await Promise.race([
        access.stop(),
        new Promise<void>((resolve) => clock.schedule(resolve, timeLimitMs, true)),
      ]);
    },
  };
}
