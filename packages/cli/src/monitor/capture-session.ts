import type { CommandContext } from '../command-context.js';
import { Capture } from './capture.js';
import { RingReader } from './capture-ring.js';
import type { CaptureThreadData } from './capture-thread.js';
import { openEventOutlet, type EventOutlet } from './event-outlet.js';
import { sizeInMemory, type MonitorEvent } from './monitor-event.js';
import { MonitorLog } from './monitor-log.js';
import { MonitorMessages } from './monitor-messages.js';
import type { MonitorNotice, NoticeListener } from './monitor-notice.js';
import { Recorder } from './recorder.js';
import { createRedactor } from './redaction.js';
import { SessionSummary } from './session-summary.js';
import { VerboseLines } from './verbose-lines.js';

/** Events that wait for the outlet to open, at most. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** One session as the thread that looks at it sees it: what comes through the ring becomes events on their way. */
export class CaptureSession {
  readonly #context: CommandContext;
  readonly #recorder: Recorder;
  readonly #log: MonitorLog | undefined;
  readonly #lines: VerboseLines | undefined;
  readonly #summary: SessionSummary | undefined;
  readonly #listeners: readonly NoticeListener[];
  readonly #outlet: Promise<EventOutlet | undefined>;
  readonly #correlationId: string;
  /** Takes the events; until the outlet is open they wait. */
  #add: (event: MonitorEvent) => void;
  #unsent = 0;
  #hurry: () => void = () => undefined;
  readonly #isUrgent = new Promise<void>((resolve) => {
    this.#hurry = resolve;
  });

  constructor(data: CaptureThreadData, context: CommandContext) {
    const { clock, createId, tell } = context;
    this.#context = context;
    this.#correlationId = data.correlationId;
    const messages = new MonitorMessages((message) => tell(`km: ${message}`));
    this.#log = data.logFd === undefined ? undefined : new MonitorLog(data.logFd, clock);
    this.#lines = data.isVerbose ? new VerboseLines(context.prompt) : undefined;
    this.#summary = data.hasSummary ? new SessionSummary(clock) : undefined;
    const watchers = [messages, this.#log, this.#lines, this.#summary];
    this.#listeners = watchers.flatMap((watcher) => watcher?.onNotice ?? []);
    const notify: NoticeListener = (notice) => this.#notify(notice);
    const waiting: MonitorEvent[] = [];
    let waitingBytes = 0;
    this.#add = (event) => {
      waitingBytes += sizeInMemory(event);
      if (waitingBytes <= MAX_WAITING_BYTES) waiting.push(event);
      else this.#unsent += 1;
    };
    const capture = new Capture({
      correlationId: data.correlationId,
      createId,
      notify,
      onEvent: (event) => this.#add(event),
      redact: createRedactor(data.redact),
      ...(data.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: data.maxPayloadBytes }),
    });
    this.#recorder = new Recorder({
      ring: new RingReader(data.ring),
      capture,
      clock,
      onCaughtUp: () => this.#lines?.flush(),
    });
    // What is in the ring before anybody looked is no reason to be woken.
    this.#recorder.wake();
    if (data.isLocal) {
      this.#outlet = Promise.resolve(undefined);
      this.#add = () => undefined;
      return;
    }
    this.#outlet = this.#open(data, notify, messages).then(
      (outlet) => {
        this.#add = outlet.add;
        for (const event of waiting.splice(0)) outlet.add(event);
        return outlet;
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        tell(`km: monitoring goes on, but no event is delivered: ${reason}`);
        this.#unsent += waiting.splice(0).length;
        this.#add = () => {
          this.#unsent += 1;
        };
        return undefined;
      },
    );
  }

  /** Something is in the ring. */
  wake(): void {
    this.#recorder.wake();
  }

  started(serverPid: number): void {
    this.#notify({ type: 'session.started', correlationId: this.#correlationId, serverPid });
  }

  /** Nobody waits for the delivery of events any more. */
  hurry(): void {
    this.#hurry();
  }

  /** Looks at what is left, delivers for at most `timeLimitMs`, and tells how it was. */
  async finish(ending: { readonly exitCode: number; readonly timeLimitMs: number }): Promise<void> {
    this.#recorder.drain();
    this.#lines?.flush();
    const outlet = await this.#outletWithin(ending.timeLimitMs);
    const left =
      outlet === undefined
        ? { undelivered: 0, lost: 0 }
        : await Promise.race([
            outlet.finish(ending.timeLimitMs),
            this.#isUrgent.then(() => outlet.finish(0)),
          ]);
    await outlet?.stop();
    this.#notify({
      type: 'session.ended',
      exitCode: ending.exitCode,
      undelivered: left.undelivered + this.#unsent,
      lost: left.lost + this.#unsent,
    });
    await this.#log?.close();
    if (this.#summary !== undefined) this.#context.prompt(this.#summary.text());
  }

  #notify(notice: MonitorNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }

  async #open(
    { flags, correlationId }: CaptureThreadData,
    notify: NoticeListener,
    messages: MonitorMessages,
  ): Promise<EventOutlet> {
    const outlet = await openEventOutlet(flags, this.#context, { correlationId, notify });
    if (this.#log !== undefined) outlet.subscribe(this.#log.onAuthEvent);
    outlet.subscribe(messages.onAuthEvent);
    outlet.start();
    return outlet;
  }

  async #outletWithin(timeLimitMs: number): Promise<EventOutlet | undefined> {
    const timeIsUp = new Promise<undefined>((resolve) => {
      this.#context.clock.schedule(() => resolve(undefined), timeLimitMs, false);
    });
    return Promise.race([this.#outlet, timeIsUp, this.#isUrgent.then(() => undefined)]);
  }
}
