import type { Clock } from '@kilometers/auth';
import type { SegmentWriter } from '../queue/segment-writer.js';
import { encodeRingRecord } from '../queue/prelude-record.js';
import { preludeBytes } from '../queue/queue-limits.js';
import type { RingRecord } from './ring-record.js';

/** What the thread that captures has not made safe after so long is written here: the server is busy starting before. */
const FIRST_WRITE_MS = 100;
/** How long what passes then is gathered for one write. */
const WRITE_MS = 40;

/** What a prelude is written with. */
export type PreludeWriter = Pick<SegmentWriter, 'append' | 'isKept' | 'close' | 'remove'>;

export type PreludeOptions = {
  readonly clock: Clock;
  /** How large the queue may be, in bytes. */
  readonly queueBytes: number;
  /** Begins the file; `undefined` where nothing can be kept on the disk. */
  readonly begin: () => Promise<PreludeWriter | undefined>;
};

/**
 * What passes before the thread that captures is there and has made it safe: kept in a file of its own, sealed, so that a
 * process that is killed as it starts loses no more than one that is killed later. Never fails: without a disk it keeps
 * nothing.
 */
export class Prelude {
  readonly #options: PreludeOptions;
  #records: RingRecord[] = [];
  #bytes = 0;
  #isClosed = false;
  #isWhole = true;
  #cancelTimer: (() => void) | undefined;
  #file: ReturnType<PreludeOptions['begin']> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: PreludeOptions) {
    this.#options = options;
  }

  /** Takes what passes; its bytes are only lent. */
  note(record: RingRecord): void {
    if (this.#isClosed) return;
    const bytes = record.kind === 'bytes' ? record.bytes.length : 0;
    // What comes after that is not kept.
    if (this.#bytes + bytes > preludeBytes(this.#options.queueBytes)) {
      this.#isWhole = false;
      this.#isClosed = true;
      return;
    }
    this.#bytes += bytes;
    this.#records.push(record.kind === 'bytes' ? { ...record, bytes: Buffer.from(record.bytes) } : record);
    this.#cancelTimer ??= this.#options.clock.schedule(
      () => void this.#write(),
      this.#file === undefined ? FIRST_WRITE_MS : WRITE_MS,
      false,
    );
  }

  /** What passes from now on is safe without it. */
  close(): void {
    this.#isClosed = true;
  }

  /** All that it has is safe elsewhere: it is not needed any more. */
  async drop(): Promise<void> {
    this.close();
    this.#records = [];
    this.#cancelTimer?.();
    await this.#writing;
    // What a disk says of bytes that nobody needs any more is no matter.
    await (await this.#file)?.remove().catch(() => undefined);
    this.#file = undefined;
  }

  /** Writes what it has, and leaves it to others. Resolves with whether they find all that passed until it was closed. */
  async leave(): Promise<boolean> {
    this.close();
    if (this.#records.length > 0) await this.#write();
    await this.#writing;
    const file = await this.#file;
    // Somebody may have given it up to make room.
    const isKept = (await file?.isKept()) === true;
    await file?.close().catch(() => undefined);
    return this.#isWhole && isKept;
  }

  async #write(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writing = this.#writing.then(() => this.#append());
    await this.#writing;
  }

  async #append(): Promise<void> {
    this.#file ??= this.#options.begin().catch(() => undefined);
    const file = await this.#file;
    const records = this.#records.splice(0);
    if (records.length === 0) return;
    try {
      if (file === undefined) throw new Error('there is no file');
      await file.append(records.map(encodeRingRecord));
    } catch {
      this.#isWhole = false;
      this.close();
    }
  }
}
