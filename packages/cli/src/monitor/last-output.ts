import type { Clock } from '@kilometers/auth';

/** How long the output of a server that is gone may stay open and silent: a process outside its group holds it. */
const SILENT_MS = 500;
/** How long it may stay open while there is more, */
const HELD_MS = 5_000;
/** and once somebody asks for the end with a signal. */
const URGENT_MS = 500;
/** What a pipe holds of what was said before is no more than this, in bytes: what comes after it is of others. */
const BUFFERED_BYTES = 1024 * 1024;

/** How long what comes is waited for once the server is gone. One that is outside its group may go on for ever. */
export class LastOutput {
  readonly #clock: Clock;
  #endsAtMs = Infinity;
  #isUrgent = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server is gone. */
  begin(): void {
    this.#endWithin(this.#isUrgent ? URGENT_MS : HELD_MS);
  }

  /** A signal asks for the end. */
  hurry(): void {
    this.#isUrgent = true;
    if (this.#endsAtMs !== Infinity) this.#endWithin(URGENT_MS);
  }

  /** Follows one stream of the server's from now on. */
  follow(): OutputFollower {
    return new OutputFollower(this.#clock, () => this.#clock.monotonicMs() >= this.#endsAtMs);
  }

  #endWithin(ms: number): void {
    this.#endsAtMs = Math.min(this.#endsAtMs, this.#clock.monotonicMs() + ms);
  }
}

/** How far one stream of a server that is gone got. */
class OutputFollower {
  readonly #clock: Clock;
  readonly #isTimeUp: () => boolean;
  /** What had come by the first look. */
  #bytesAtFirst: number | undefined;
  #passedBytes = -1;
  #passedAtMs = 0;

  constructor(clock: Clock, isTimeUp: () => boolean) {
    this.#clock = clock;
    this.#isTimeUp = isTimeUp;
  }

  /**
   * Looks at how many bytes were handed on, and how many wait for that: for how long nothing was, in milliseconds, and
   * whether all is there that the server said, as far as can be told.
   */
  look(passedBytes: number, waitingBytes: number): { readonly quietMs: number; readonly isOver: boolean } {
    const nowMs = this.#clock.monotonicMs();
    if (passedBytes !== this.#passedBytes) this.#passedAtMs = nowMs;
    this.#passedBytes = passedBytes;
    const takenBytes = passedBytes + waitingBytes;
    this.#bytesAtFirst ??= takenBytes;
    const quietMs = nowMs - this.#passedAtMs;
    // A reader that is slow keeps it from being taken.
    const mayHaveMore = waitingBytes > 0 && takenBytes - this.#bytesAtFirst <= BUFFERED_BYTES;
    const isSilent = waitingBytes === 0 && quietMs >= SILENT_MS;
    return { quietMs, isOver: isSilent || (this.#isTimeUp() && !mayHaveMore) };
  }
}
