import { isAuthError } from '@kilometers/auth';
import type { CommandContext } from '../command-context.js';
import { Capture } from './capture.js';
import { RingReader } from './capture-ring.js';
import type { CaptureEnding, CaptureThreadData, ThreadReport } from './capture-thread.js';
import { EventIntake } from './event-intake.js';
import { openEventOutlet, type EventOutlet } from './event-outlet.js';
import { MonitorLog } from './monitor-log.js';
import { MonitorMessages } from './monitor-messages.js';
import type { MonitorNotice, NoticeListener } from './monitor-notice.js';
import { Recorder } from './recorder.js';
import { createRedactor } from './redaction.js';
import { SessionSummary } from './session-summary.js';
import { VerboseLines } from './verbose-lines.js';
import { WriteAhead } from './write-ahead.js';

/** After trouble that only a human can mend it is looked at again this much later. */
const LOOK_AGAIN_MS = 10_000;
/** What could not be made safe is tried again this much later. */
const SECURE_AGAIN_MS = 1_000;

/** One session as the thread that looks at it sees it: what comes through the ring becomes events on their way. */
export class CaptureSession {
  readonly #context: CommandContext;
  readonly #recorder: Recorder;
  readonly #log: MonitorLog | undefined;
  readonly #lines: VerboseLines | undefined;
  readonly #summary: SessionSummary | undefined;
  readonly #listeners: readonly NoticeListener[];
  readonly #messages: MonitorMessages;
  readonly #report: (report: ThreadReport) => void;
  /** Resolves when the outlet has what waited for it; with `undefined` where there is none, and never will be. */
  readonly #outlet: Promise<EventOutlet | undefined>;
  /** The outlet, from when it is open. */
  #opened: EventOutlet | undefined;
  /** Settles when the try to open the outlet and to hand over what waits is over that is under way, or was the last. */
  #attempt: Promise<unknown> = Promise.resolve();
  readonly #correlationId: string;
  readonly #intake = new EventIntake();
  readonly #tell = (message: string): void => this.#context.tell(`km: ${message}`);
  #congestion: EventOutlet['congestion'] = () => undefined;
  /** Keeps safe what waits to be looked at; `undefined` where somebody wants to see it at once, and before there is an outlet. */
  #ahead: WriteAhead | undefined;
  /** Whether events were given up that memory had no room for. */
  #hasGivenUp = false;
  #answerKept: (isWhole: boolean) => void = () => undefined;
  #hurry: () => void = () => undefined;
  readonly #isUrgent = new Promise<void>((resolve) => {
    this.#hurry = resolve;
  });

  constructor(data: CaptureThreadData, context: CommandContext, report: (report: ThreadReport) => void) {
    const { clock } = context;
    this.#context = context;
    this.#report = report;
    this.#correlationId = data.correlationId;
    this.#messages = new MonitorMessages(this.#tell);
    this.#log = data.logFd === undefined ? undefined : new MonitorLog(data.logFd, clock, this.#tell);
    this.#lines = data.isVerbose ? new VerboseLines(context.prompt) : undefined;
    this.#summary = data.hasSummary ? new SessionSummary(clock) : undefined;
    const watchers = [this.#messages, this.#log, this.#lines, this.#summary];
    this.#listeners = watchers.flatMap((watcher) => watcher?.onNotice ?? []);
    const notify: NoticeListener = (notice) => this.#notify(notice);
    const capture = new Capture({
      correlationId: data.correlationId,
      notify,
      onEvent: (event) => this.#intake.add(event),
      redact: createRedactor(data.redact),
      ...(data.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: data.maxPayloadBytes }),
    });
    this.#recorder = new Recorder({
      ring: new RingReader(data.ring),
      capture,
      clock,
      onCaughtUp: () => this.#lines?.flush(),
      congestion: () => this.#congestion(),
      ahead: () => this.#ahead,
    });
    // What is in the ring before anybody looked is no reason to be woken.
    this.#recorder.wake();
    if (data.isLocal) {
      this.#outlet = Promise.resolve(undefined);
      this.#intake.discard();
      return;
    }
    this.#outlet = this.#openOnceSettled(data, notify);
  }

  /** Something is in the ring. */
  wake(): void {
    this.#recorder.wake();
  }

  started(serverPid: number): void {
    this.#notify({ type: 'session.started', correlationId: this.#correlationId, serverPid });
  }

  /** Makes safe what is in the ring by now, and says when it is; never where some of it is in the prelude only. */
  async secure(): Promise<void> {
    const outlet = await this.#outlet;
    if (outlet !== undefined) await this.#makeSafe(outlet);
    if (this.#intake.leftOut === 0 && !this.#hasGivenUp) this.#report({ type: 'secured' });
  }

  /** Nobody waits for the delivery of events any more. */
  hurry(): void {
    this.#hurry();
  }

  /**
   * Looks at what is left, delivers for at most `timeLimitMs`, and tells how it was. Resolves with whether all is at the
   * API or in the queue, without the prelude.
   */
  async finish({ exitCode, timeLimitMs }: CaptureEnding): Promise<boolean> {
    await this.#recorder.drain();
    this.#lines?.flush();
    const outlet = await this.#outletWithin(timeLimitMs);
    const left =
      outlet === undefined
        ? { undelivered: 0, lost: 0 }
        : await Promise.race([outlet.finish(timeLimitMs), this.#isUrgent.then(() => outlet.finish(0))]);
    await (left.lost > 0 ? this.#ahead?.leave() : this.#ahead?.drop());
    await outlet?.stop();
    const { unsent } = this.#intake;
    const isKept = unsent > 0 && (await this.#isKept());
    const lost = left.lost + (isKept ? 0 : unsent);
    this.#notify({ type: 'session.ended', exitCode, undelivered: left.undelivered + unsent, lost });
    await this.#log?.close();
    if (this.#summary !== undefined) this.#context.prompt(this.#summary.text());
    return lost === 0 && !isKept && !this.#hasGivenUp;
  }

  /** The answer to the question whether what was not taken is in the prelude. */
  kept(isWhole: boolean): void {
    this.#answerKept(isWhole);
  }

  #isKept(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#answerKept = resolve;
      this.#report({ type: 'keep' });
    });
  }

  #notify(notice: MonitorNotice): void {
    if (notice.type === 'events.dropped' && notice.why === 'memory') this.#hasGivenUp = true;
    for (const listener of this.#listeners) listener(notice);
  }

  /** Opens the outlet, as often as it takes; `undefined` where this process never can. */
  async #openOnceSettled(data: CaptureThreadData, notify: NoticeListener): Promise<EventOutlet | undefined> {
    const { clock, tell } = this.#context;
    for (;;) {
      try {
        const attempt = this.#openOnce(data, notify);
        this.#attempt = attempt;
        return await attempt;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        // Its flags and variables stay as they are; a file can be corrected.
        if (isAuthError(error) && error.code === 'KM_AUTH_INVALID_OPTION') {
          tell(`km: monitoring goes on, but no event is recorded: ${reason}`);
          this.#intake.discard();
          this.#report({ type: 'secured' });
          return undefined;
        }
        this.#messages.tellHuman(reason);
        await new Promise<void>((resolve) => clock.schedule(resolve, LOOK_AGAIN_MS, false));
      }
    }
  }

  async #openOnce(data: CaptureThreadData, notify: NoticeListener): Promise<EventOutlet> {
    const { flags, correlationId } = data;
    const outlet = await openEventOutlet(flags, this.#context, { correlationId, notify });
    this.#opened = outlet;
    if (this.#log !== undefined) outlet.subscribe(this.#log.onAuthEvent);
    outlet.subscribe(this.#messages.onAuthEvent);
    outlet.start();
    this.#summary?.onRecording();
    this.#congestion = outlet.congestion;
    if (!(await this.#intake.handOver(outlet))) return outlet;
    if (data.logFd === undefined && !data.isVerbose) this.#ahead = writeAheadOf(outlet, data);
    void this.#takeOver(outlet);
    return outlet;
  }

  /** Says that it keeps safe what passes, once all that passed before is: to look at that, and to write it, takes its time. */
  async #takeOver(outlet: EventOutlet): Promise<void> {
    await this.#makeSafe(outlet);
    this.#report({ type: 'ready' });
  }

  /** Resolves once all that is in the ring by now is at the API, or on the disk. */
  async #makeSafe(outlet: EventOutlet): Promise<void> {
    const { clock } = this.#context;
    for (;;) {
      await this.#recorder.drain();
      if (await outlet.secure()) return;
      await new Promise<void>((resolve) => clock.schedule(resolve, SECURE_AGAIN_MS, false));
    }
  }

  /** The outlet, with all that waited where there is time for it; `undefined` where none is open by then. */
  async #outletWithin(timeLimitMs: number): Promise<EventOutlet | undefined> {
    const timeIsUp = new Promise<void>((resolve) => {
      this.#context.clock.schedule(resolve, timeLimitMs, false);
    });
    const isOver = this.#attempt.catch(() => undefined);
    await Promise.race([isOver, timeIsUp, this.#isUrgent]);
    // The disk takes what waits, however urgent it is: else it may be lost.
    if (this.#opened !== undefined) await Promise.race([isOver, timeIsUp]);
    this.#intake.endHandOver();
    return this.#opened;
  }
}

function writeAheadOf(
  outlet: EventOutlet,
  { correlationId, redact, maxPayloadBytes }: CaptureThreadData,
): WriteAhead {
  return new WriteAhead({
    queueBytes: outlet.queueBytes,
    begin: (from) => outlet.beginPrelude({ correlationId, redact, maxPayloadBytes, from }),
    secure: outlet.secure,
  });
}
