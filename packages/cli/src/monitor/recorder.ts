import type { Clock } from '@kilometers/auth';
import type { Capture } from './capture.js';
import type { RingReader, RingRecord } from './capture-ring.js';

/**
 * How long traffic is gathered before it is looked at. Each time it is, a message that passes just then may have to wait
 * for a processor: few long looks disturb fewer messages than many short ones. What passed is on the disk 50 ms later.
 */
const GATHER_MS = 60;
/** How long it is looked at without a pause, so that events are delivered meanwhile. */
const TURN_MS = 5;

export type RecorderOptions = {
  readonly ring: RingReader;
  readonly capture: Capture;
  readonly clock: Clock;
  /** Called when all that was there has been looked at. */
  readonly onCaughtUp: () => void;
  /** While what was looked at piles up: resolves when no more is to be waited for. The ring has room meanwhile. */
  readonly congestion: () => Promise<void> | undefined;
};

/** Looks at what comes through the ring. */
export class Recorder {
  readonly #options: RecorderOptions;
  #isScheduled = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Something is in the ring. */
  wake(): void {
    if (!this.#isScheduled) this.#schedule(GATHER_MS);
  }

  /** Looks at all that is in the ring, as fast as it is taken. */
  async drain(): Promise<void> {
    while (this.#take(this.#options.clock.monotonicMs() + TURN_MS)) await this.#options.congestion();
  }

  #schedule(delayMs: number): void {
    this.#isScheduled = true;
    this.#options.clock.schedule(() => this.#turn(), delayMs, false);
  }

  #turn(): void {
    const { clock, ring, onCaughtUp } = this.#options;
    this.#isScheduled = false;
    const endsAtMs = clock.monotonicMs() + TURN_MS;
    const hasMore = this.#take(endsAtMs);
    if (hasMore) {
      this.#isScheduled = true;
      void Promise.resolve(this.#options.congestion()).then(() => this.#schedule(0));
      return;
    }
    onCaughtUp();
    if (!ring.sleep()) this.#schedule(GATHER_MS);
  }

  /** Looks at what there is until the given time; whether there may be more. */
  #take(endsAtMs: number): boolean {
    const { capture, ring, clock } = this.#options;
    for (let count = 1; ; count += 1) {
      const record = ring.read();
      if (record === undefined) break;
      showTo(capture, record);
      if (count % 32 === 0 && clock.monotonicMs() > endsAtMs) return true;
    }
    ring.tellAwaited(capture.awaitedAnswers);
    return false;
  }
}

/** Shows a record of what passed to `capture`. */
export function showTo(capture: Capture, record: RingRecord): void {
  switch (record.kind) {
    case 'bytes':
      capture.see(record.direction, record.bytes, record);
      break;
    case 'skipped':
      capture.skip(record.direction, record.size);
      break;
    case 'missed':
      capture.miss(record.direction, { ...record, bytes: record.size });
      break;
    case 'end':
      capture.end(record.direction, record);
  }
}
