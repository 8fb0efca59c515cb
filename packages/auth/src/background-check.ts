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
  #nextLookAtMs = 0;
  #isLooking = false;
  /** In how many milliseconds another look was asked for during this one. */
  #hastenedMs = Number.POSITIVE_INFINITY;

  constructor(options: BackgroundCheckOptions) {
    this.#options = options;
  }

  /** Starts looking, at once. A second start is none. */
  start(): void {
    if (this.#cancel !== undefined) return;
    this.#remember();
    this.#schedule(0);
  }

  get isRunning(): boolean {
    return this.#cancel !== undefined;
  }

  /** Something will be due in `delayMs`: looks by then, if it would not look sooner. */
  hasten(delayMs: number): void {
    if (this.#isLooking) this.#hastenedMs = Math.min(this.#hastenedMs, delayMs);
    else if (this.#cancel !== undefined && this.#options.clock.monotonicMs() + delayMs < this.#nextLookAtMs) {
      this.#cancel();
      this.#schedule(Math.max(SHORTEST_INTERVAL_MS, delayMs));
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(delayMs: number): void {
    this.#nextLookAtMs = this.#options.clock.monotonicMs() + delayMs;
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
    this.#isLooking = true;
    this.#hastenedMs = Number.POSITIVE_INFINITY;
    const dueInMs = await this.#options.check().catch(() => Number.POSITIVE_INFINITY);
    this.#isLooking = false;
    // Stopped, and perhaps started again, while it looked.
    if (this.#cancel !== own) return;
    const soonestMs = Math.max(SHORTEST_INTERVAL_MS, Math.min(dueInMs, this.#hastenedMs));
    this.#schedule(Math.min(this.#options.checkIntervalMs, soonestMs));
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
