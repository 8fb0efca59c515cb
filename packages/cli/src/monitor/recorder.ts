import type { Clock } from '@kilometers/auth';
import type { Capture } from './capture.js';
import { isBefore, type RingPiece, type RingReader } from './capture-ring.js';
import { recordsIn, type RingRecord } from './ring-record.js';
import type { WriteAhead } from './write-ahead.js';

/** How long traffic is gathered before it is taken out of the ring. It is on the disk within 50 ms from then. */
const GATHER_MS = 60;
/** How long traffic is looked at without letting anything else run, so that events are delivered meanwhile. */
const TURN_MS = 5;
/** So much is taken out of the ring at once. */
const PIECE_BYTES = 256 * 1024;

/** When nothing has passed for so long there is a pause. */
const PAUSE_MS = 20;
/** What passed is left for a pause for so long; */
const PATIENCE_MS = 1_000;
/** less than this, and more than that, is looked at at once: to keep it safe meanwhile would cost more. */
const FEW_BYTES = 8 * 1024;
const MANY_BYTES = 4 * 1024 * 1024;

export type RecorderOptions = {
  readonly ring: RingReader;
  readonly capture: Capture;
  readonly clock: Clock;
  /** Called when all that was there has been looked at. */
  readonly onCaughtUp: () => void;
  /** While what was looked at piles up: resolves when no more is to be waited for. The ring has room meanwhile. */
  readonly congestion: () => Promise<void> | undefined;
  /** Keeps safe what is not looked at yet; `undefined` where all is to be looked at at once. */
  readonly ahead: () => WriteAhead | undefined;
};

/**
 * Looks at what comes through the ring. While much passes that waits for a pause, so that no message has to wait for a
 * processor: what passed is only kept safe meanwhile.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  /** What was taken out of the ring and not looked at. */
  readonly #waiting: RingPiece[] = [];
  #waitingSinceMs = 0;
  /** The piece that is being looked at, and those of its records that were not. */
  #piece: RingPiece | undefined;
  #records: Iterator<RingRecord, undefined> | undefined;
  /** The position in the ring up to which all was looked at. */
  #lookedTo = 0;
  #isScheduled = false;
  #isCatchingUp = false;
  #gatheredAtMs = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Something is in the ring. */
  wake(): void {
    if (!this.#isScheduled) this.#schedule(GATHER_MS);
  }

  /** Looks at all that is in the ring by now, as fast as it is taken. */
  async drain(): Promise<void> {
    const { ring, clock, congestion } = this.#options;
    const { end } = ring;
    while (this.#look(clock.monotonicMs() + TURN_MS) && isBefore(this.#lookedTo, end)) {
      await congestion();
      await new Promise<void>((resolve) => clock.schedule(resolve, 0, false));
    }
  }

  #schedule(delayMs: number): void {
    this.#isScheduled = true;
    this.#options.clock.schedule(() => void this.#turn(), delayMs, false);
  }

  async #turn(): Promise<void> {
    const { clock, ring, onCaughtUp, ahead } = this.#options;
    if (await this.#isLeftForPause()) {
      this.#schedule(GATHER_MS);
      return;
    }
    this.#isCatchingUp = true;
    if (this.#look(clock.monotonicMs() + TURN_MS)) {
      await this.#options.congestion();
      this.#schedule(0);
      return;
    }
    this.#isCatchingUp = false;
    this.#isScheduled = false;
    onCaughtUp();
    void ahead()?.settle();
    if (!ring.sleep()) this.#schedule(GATHER_MS);
  }

  /** Keeps what is in the ring safe where that is worth it; whether it can wait for a pause. */
  async #isLeftForPause(): Promise<boolean> {
    const { clock, capture } = this.#options;
    const ahead = this.#options.ahead();
    const nowMs = clock.monotonicMs();
    const isFirst = this.#records === undefined && this.#waiting.length === 0;
    if (ahead === undefined || ahead.roomBytes === 0) return false;
    // Nobody else could go on behind what waits to be looked at, or in the middle of a line.
    if (!ahead.isOpen && !(isFirst && capture.isBetweenLines)) return false;
    // What is looked at meanwhile comes first.
    if (this.#isCatchingUp && (!ahead.isOpen || nowMs - this.#gatheredAtMs < GATHER_MS)) return false;

    this.#gatheredAtMs = nowMs;
    const { bytes, pieces, lastAtMs } = this.#gather(Math.min(ahead.roomBytes, MANY_BYTES));
    if (isFirst) this.#waitingSinceMs = nowMs;
    const hasTime = !this.#isCatchingUp && nowMs - this.#waitingSinceMs < PATIENCE_MS;
    const isWorthIt = bytes < MANY_BYTES && !(isFirst && bytes < FEW_BYTES);
    const isLeft = hasTime && isWorthIt && nowMs - lastAtMs < PAUSE_MS;
    // Where a file is open, it has all that comes after.
    if (pieces.length === 0 || !(isLeft || ahead.isOpen)) return false;
    return (await ahead.append(pieces, () => capture.state)) && isLeft;
  }

  /** Takes out of the ring what is there, up to about `maxBytes`. */
  #gather(maxBytes: number) {
    const pieces: RingPiece[] = [];
    let [bytes, lastAtMs] = [0, 0];
    while (bytes < maxBytes) {
      const piece = this.#options.ring.take(PIECE_BYTES);
      if (piece === undefined) break;
      pieces.push(piece);
      bytes += piece.bytes.length;
      lastAtMs = piece.lastAtMs;
    }
    this.#waiting.push(...pieces);
    return { bytes, pieces: pieces.map((piece) => piece.bytes), lastAtMs };
  }

  /** Looks at what there is until the given time; whether there may be more. */
  #look(endsAtMs: number): boolean {
    const { capture, ring, clock } = this.#options;
    for (let count = 1; ; count += 1) {
      const record = this.#next();
      if (record === undefined) break;
      showTo(capture, record);
      if (count % 32 === 0 && clock.monotonicMs() > endsAtMs) return true;
    }
    ring.tellAwaited(capture.awaitedAnswers);
    return false;
  }

  /** The oldest record that was not looked at. */
  #next(): RingRecord | undefined {
    for (;;) {
      const record = this.#records?.next().value;
      if (record !== undefined) return record;
      if (this.#piece !== undefined) this.#lookedTo = this.#piece.end;
      this.#options.ring.giveBack();
      this.#piece = this.#waiting.shift() ?? this.#takeAtOnce();
      this.#records = this.#piece === undefined ? undefined : recordsIn(this.#piece.bytes);
      if (this.#records === undefined) return undefined;
    }
  }

  #takeAtOnce(): RingPiece | undefined {
    const piece = this.#options.ring.lend(PIECE_BYTES);
    if (piece !== undefined) this.#options.ahead()?.leaveOut();
    return piece;
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
