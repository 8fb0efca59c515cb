import { Worker } from 'node:worker_threads';
import type { Clock } from '@kilometers/auth';
import type { AccountFlags } from '../settings.js';
import { CaptureFeed } from './capture-feed.js';
import { createRingMemory, RingWriter } from './capture-ring.js';
import type { FieldPath } from './redaction.js';

/** Traffic that was not looked at yet, at most. */
const RING_BYTES = 64 * 1024 * 1024;
/** Events wait on disk and in the queue, not in objects: more would be a mistake, and must not take the machine with it. */
const HEAP_MB = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };
/** At the end of a session events are delivered for at most this long. */
const FINISH_MS = 3_000;
/** A thread that takes longer than it may is given up. */
const SLACK_MS = 6_000;

/** What the thread is told when it starts. */
export type CaptureThreadData = {
  readonly ring: SharedArrayBuffer;
  readonly version: string;
  readonly bundleFolder: string;
  readonly isDebug: boolean;
  readonly flags: AccountFlags;
  readonly correlationId: string;
  /** Nothing is sent. */
  readonly isLocal: boolean;
  /** Bytes; `undefined` for the default. */
  readonly maxPayloadBytes: number | undefined;
  readonly redact: readonly FieldPath[];
  /** The descriptor of the log, open for writing. */
  readonly logFd: number | undefined;
  readonly isVerbose: boolean;
  readonly hasSummary: boolean;
};

/** What the thread is told later. */
export type ThreadOrder =
  /** There is something in the ring. */
  | { readonly type: 'wake' }
  | { readonly type: 'started'; readonly serverPid: number }
  /** The session is over: deliver what is left. */
  | { readonly type: 'finish'; readonly exitCode: number; readonly timeLimitMs: number }
  /** Nobody waits for the delivery any more. */
  | { readonly type: 'hurry' };

/** What the thread says. */
export type ThreadReport = { readonly type: 'tell'; readonly text: string } | { readonly type: 'finished' };

export type CaptureThreadOptions = {
  readonly data: Omit<CaptureThreadData, 'ring'>;
  readonly environment: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Writes lines to stderr. */
  readonly tell: (text: string) => void;
  /** Traffic that was held back may go on. */
  readonly onRoom: () => void;
};

/**
 * Capture and delivery, on a thread of their own: whatever they do, collecting garbage included, the traffic does not
 * wait for it.
 */
export class CaptureThread {
  readonly feed: CaptureFeed;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #finished: Promise<void>;

  constructor({ data, environment, clock, tell, onRoom }: CaptureThreadOptions) {
    const ring = createRingMemory(RING_BYTES);
    const workerData: CaptureThreadData = { ...data, ring };
    this.#clock = clock;
    this.#worker = new Worker(`${data.bundleFolder}/monitor/capture-thread-main.cjs`, {
      workerData,
      env: environment,
      resourceLimits: HEAP_MB,
    });
    this.feed = new CaptureFeed({
      ring: new RingWriter(ring),
      clock,
      wake: () => this.#order({ type: 'wake' }),
      onRoom,
    });
    this.#finished = new Promise((resolve) => {
      this.#worker.on('message', (report: ThreadReport) => {
        if (report.type === 'tell') tell(report.text);
        else resolve();
      });
      this.#worker.on('error', (error) => {
        tell(`km: nothing is recorded from here on, and the traffic goes on: ${error.message}\n`);
        this.feed.turnOff();
        resolve();
      });
      this.#worker.once('exit', () => resolve());
    });
  }

  /** The server runs. */
  tellStarted(serverPid: number): void {
    this.#order({ type: 'started', serverPid });
  }

  /** Delivers what is left, for a few seconds at most, and less once `isUrgent` resolves. */
  async finish(exitCode: number, isUrgent: Promise<void>): Promise<void> {
    const tooLong = new Promise<void>((resolve) => {
      this.#clock.schedule(resolve, FINISH_MS + SLACK_MS, false);
    });
    await Promise.race([this.feed.settled(), tooLong]);
    this.#order({ type: 'finish', exitCode, timeLimitMs: FINISH_MS });
    void isUrgent.then(() => this.#order({ type: 'hurry' }));
    await Promise.race([this.#finished, tooLong]);
  }

  #order(order: ThreadOrder): void {
    this.#worker.postMessage(order);
  }
}
