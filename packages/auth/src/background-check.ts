import type { Clock } from './clock.js';

export type BackgroundCheckOptions = {
  readonly clock: Clock;
  /** The longest time between two looks, in milliseconds. */
  readonly checkIntervalMs: number;
  /** One look. Resolves to the milliseconds until something is due. */
  readonly check: () => Promise<number>;
  /** The clocks disagree by this much on how long it has been since the last look. */
  readonly onClockJump: (byMs: number) => void;
};

/** Looks follow each other at least this far apart, in milliseconds. */
const SHORTEST_INTERVAL_MS = 250;
/** The clocks may drift apart by this much between two looks. */
const JUMP_TOLERANCE_MS = 2_000;

/** Looks again and again, one look at a time, and keeps no process alive. */
export class BackgroundCheck {
  readonly #options: BackgroundCheckOptions;
  #cancel: (() => void) | undefined;
  #lastWallMs = 0;
  #lastMonotonicMs = 0;

  constructor(options: BackgroundCheckOptions) {
    this.#options = options;
  }

  /** Starts looking, at once. A second start is none. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.#remember();
    this.#schedule(0);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delayMs: number): void {
    const cancel = this.#options.clock.schedule(
      () => {
        void this.#run(cancel);
      },
      delayMs,
      false,
    );
    this.#cancel = cancel;
  }

  async #run(own: () => void): Promise<void> {
    this.#noticeJump();
    const nextDueInMs = await this.#options.check().catch(() => Number.POSITIVE_INFINITY);
    // Stopped, and perhaps started again, while it looked.
    if (this.#cancel !== own) return;
    this.#schedule(Math.min(this.#options.checkIntervalMs, Math.max(SHORTEST_INTERVAL_MS, nextDueInMs)));
  }

  #noticeJump(): void {
    const { clock, onClockJump } = this.#options;
    const byMs = clock.nowMs() - this.#lastWallMs - (clock.monotonicMs() - this.#lastMonotonicMs);
    if (Math.abs(byMs) > JUMP_TOLERANCE_MS) onClockJump(byMs);
    this.#remember();
  }

  #remember(): void {
    this.#lastWallMs = this.#options.clock.nowMs();
    this.#lastMonotonicMs = this.#options.clock.monotonicMs();
  }
}
