import type { Worker } from 'node:worker_threads';
import type { Clock } from '@kilometers/auth';
import type { AccountFlags } from '../settings.js';
import { CaptureFeed } from './capture-feed.js';
import { RingWriter } from './capture-ring.js';
import { createRingMemory } from './ring-memory.js';
import { startLoneWorker } from './lone-worker.js';
import type { Prelude } from './prelude.js';
import type { FieldPath } from './redaction.js';

/** Traffic that was not looked at yet, at most. */
const RING_BYTES = 64 * 1024 * 1024;
/** Events wait on disk and in the queue, not in objects: more would be a mistake, and must not take the machine with it. */
const HEAP_MB = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 };
/** At the end of a session events are delivered for at most this long. */
const FINISH_MS = 3_000;
/** A thread that takes longer than that, a refresh that was sent (5 s), and what a busy machine adds is given up. */
const SLACK_MS = 10_000;

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

/** How a session ended. */
export type CaptureEnding = {
  readonly exitCode: number;
  readonly timeLimitMs: number;
};

/** What the thread is told later. */
export type ThreadOrder =
  /** There is something in the ring. */
  | { readonly type: 'wake' }
  | { readonly type: 'started'; readonly serverPid: number }
  /** The session is over: deliver what is left. */
  | ({ readonly type: 'finish' } & CaptureEnding)
  /** The answer to `keep`. */
  | { readonly type: 'kept'; readonly isWhole: boolean }
  /** Make safe what is in the ring by now. */
  | { readonly type: 'secure' }
  /** Nobody waits for the delivery any more. */
  | { readonly type: 'hurry' };

/** What the thread says. */
export type ThreadReport =
  /** It runs, and has loaded what it needs: the first of all. */
  | { readonly type: 'running' }
  | { readonly type: 'tell'; readonly text: string }
  /** Some of what passed at first is nowhere else, since it could not tell whose the events are: is that in the prelude? */
  | { readonly type: 'keep' }
  /** It keeps what passes from now on safe. */
  | { readonly type: 'ready' }
  /** All that was in the ring at the order is at the API, or on the disk. */
  | { readonly type: 'secured' }
  /** Whether the prelude is not needed. */
  | { readonly type: 'finished'; readonly isSafe: boolean };

export type CaptureThreadOptions = {
  readonly data: Omit<CaptureThreadData, 'ring'>;
  /** What passes before the thread keeps it safe; `undefined` where nothing is sent. */
  readonly prelude: Prelude | undefined;
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
  /** Resolves when it has loaded what it needs, or will not. */
  readonly started: Promise<void>;
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #prelude: Prelude | undefined;
  readonly #finished: Promise<boolean>;

  constructor({ data, prelude, environment, clock, tell, onRoom }: CaptureThreadOptions) {
    const ring = createRingMemory(RING_BYTES);
    const workerData: CaptureThreadData = { ...data, ring };
    this.#clock = clock;
    this.#prelude = prelude;
    this.#worker = startLoneWorker(`${data.bundleFolder}/monitor/capture-thread-main.cjs`, {
      workerData,
      env: environment,
      resourceLimits: HEAP_MB,
      // Otherwise this process opens its own, and makes what it shares with the server non-blocking.
      stdout: true,
      stderr: true,
    });
    this.started = new Promise((resolve) => {
      this.#worker.once('message', () => resolve());
      this.#worker.once('exit', () => resolve());
    });
    this.#worker.stdout.resume();
    this.#worker.stderr.on('data', (chunk: Buffer) => tell(chunk.toString()));
    this.feed = new CaptureFeed({
      ring: new RingWriter(ring),
      clock,
      prelude,
      wake: () => this.#order({ type: 'wake' }),
      onRoom,
    });
    this.#finished = new Promise((resolve) => {
      this.#worker.on('message', (report: ThreadReport) => {
        switch (report.type) {
          case 'running':
            break;
          case 'tell':
            tell(report.text);
            break;
          case 'ready':
            prelude?.close();
            this.#order({ type: 'secure' });
            break;
          case 'keep':
            void this.#keep();
            break;
          case 'secured':
            void prelude?.drop();
            break;
          case 'finished':
            resolve(report.isSafe);
        }
      });
      this.#worker.on('error', (error) => {
        tell(`km: nothing is recorded from here on, and the traffic goes on: ${error.message}\n`);
        this.feed.turnOff();
        resolve(false);
      });
      this.#worker.once('exit', () => resolve(false));
    });
  }

  /** The server runs. */
  tellStarted(serverPid: number): void {
    this.#order({ type: 'started', serverPid });
  }

  /** Delivers what is left, for a few seconds at most, and less once `isUrgent` resolves. */
  async finish(exitCode: number, isUrgent: Promise<void>): Promise<void> {
    const tooLong = new Promise<false>((resolve) => {
      this.#clock.schedule(() => resolve(false), FINISH_MS + SLACK_MS, false);
    });
    await Promise.race([this.feed.settled(), tooLong]);
    this.#order({ type: 'finish', exitCode, timeLimitMs: FINISH_MS });
    void isUrgent.then(() => this.#order({ type: 'hurry' }));
    const isSafe = await Promise.race([this.#finished, tooLong]);
    await (isSafe ? this.#prelude?.drop() : this.#prelude?.leave());
  }

  async #keep(): Promise<void> {
    this.#order({ type: 'kept', isWhole: (await this.#prelude?.leave()) === true });
  }

  #order(order: ThreadOrder): void {
    this.#worker.postMessage(order);
  }
}
