import { encodeRingPiece } from '../queue/prelude-record.js';
import { preludeBytes } from '../queue/queue-limits.js';
import { bytesIn } from '../queue/record-group.js';
import type { CaptureState } from './capture.js';
import type { PreludeWriter } from './prelude.js';

export type WriteAheadOptions = {
  /** How large the queue may be, in bytes. */
  readonly queueBytes: number;
  /** Begins a file with what comes after `from`; `undefined` where nothing can be kept on the disk. */
  readonly begin: (from: CaptureState) => Promise<PreludeWriter | undefined>;
  /** Whether all events that were made are safe by now, after writing what was not. */
  readonly secure: () => Promise<boolean>;
};

/**
 * Keeps what passes safe before anybody looks at it: as it is, in a sealed file, which takes a fraction of the time. What
 * a killed process leaves becomes the same events in another one. Never fails: where the disk takes nothing it says so,
 * and is not used again.
 */
export class WriteAhead {
  readonly #options: WriteAheadOptions;
  #file: ReturnType<WriteAheadOptions['begin']> | undefined;
  #bytes = 0;
  #appends = 0;
  /** Whether something passed that it has not, so that nothing may follow. */
  #hasGap = false;
  #isUsable = true;

  constructor(options: WriteAheadOptions) {
    this.#options = options;
  }

  /** Whether there is a file, or is about to be: something in it may not have been looked at. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** How much more it takes now. */
  get roomBytes(): number {
    const roomBytes = preludeBytes(this.#options.queueBytes) - this.#bytes;
    return this.#isUsable && !this.#hasGap ? Math.max(0, roomBytes) : 0;
  }

  /** What comes next was looked at without it. */
  leaveOut(): void {
    this.#hasGap = this.isOpen;
  }

  /**
   * Keeps pieces that were taken out of the ring; `false` where it could not.
   *
   * @param from what came before them, asked where no file is open.
   */
  async append(pieces: readonly Buffer[], from: () => CaptureState): Promise<boolean> {
    this.#appends += 1;
    this.#file ??= this.#options.begin(from());
    try {
      const file = await this.#file;
      if (file === undefined) {
        this.#forget();
        return false;
      }
      await file.append(pieces.map(encodeRingPiece));
      this.#bytes += bytesIn(pieces);
      if (await file.isKept()) return true;
      // Somebody gave it up: what comes once all of it was looked at has another.
      this.#forget();
      await file.close();
      return false;
    } catch {
      this.#isUsable = false;
      return false;
    }
  }

  /** All that it has was looked at: it is not needed once the events are safe, unless more was added meanwhile. */
  async settle(): Promise<void> {
    const appends = this.#appends;
    if (this.#file === undefined || !(await this.#options.secure()) || appends !== this.#appends) return;
    await this.drop();
  }

  /** The events of all that it has are safe. */
  async drop(): Promise<void> {
    const begun = this.#file;
    this.#forget();
    const file = await begun?.catch(() => undefined);
    await file?.remove().catch(() => undefined);
  }

  /** Leaves what it has to others. */
  async leave(): Promise<void> {
    this.#isUsable = false;
    const file = await this.#file?.catch(() => undefined);
    await file?.close().catch(() => undefined);
  }

  #forget(): void {
    this.#file = undefined;
    this.#bytes = 0;
    this.#hasGap = false;
  }
}
