import { createHash, type Hash } from 'node:crypto';

/** One line of a stream, without its newline. A carriage return before the newline is part of the line. */
export type Line =
  /** The bytes are only good until the callback returns: they may be a view of the stream's own buffer. */
  | { readonly kind: 'whole'; readonly bytes: Buffer; readonly size: number }
  /**
   * Too long to keep: its ends, its length in bytes, and the SHA-256 of all of it in hex, unless some of it was not
   * there to be seen.
   */
  | {
      readonly kind: 'oversized';
      readonly head: Buffer;
      readonly tail: Buffer;
      readonly size: number;
      readonly sha256: string | undefined;
    };

const NEWLINE = 0x0a;
/** What is kept of each end of an oversized line: enough to find its method and id. */
const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 1024;

/** A line that is over the limit and not yet at its end. */
type OversizedLine = { head: Buffer; tail: Buffer; size: number; hash: Hash | undefined };

/** Cuts a stream of chunks into lines, keeping never more than `maxLineBytes` of one. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #onLine: (line: Line, endsAt: number) => void;
  /** The start of a line whose end has not been seen; only the first `#pendingSize` bytes count. */
  #pending = Buffer.alloc(0);
  #pendingSize = 0;
  #oversized: OversizedLine | undefined;
  #isCut = false;
  /** Bytes of the stream before the piece at hand. */
  #passed: number;

  /**
   * @param options.onLine gets each line, and how many bytes of the stream came before the newline that ends it.
   * @param options.passed how many bytes of the stream came before what it is given first, the beginning of a line.
   */
  constructor(options: {
    readonly maxLineBytes: number;
    readonly onLine: (line: Line, endsAt: number) => void;
    readonly passed?: number | undefined;
  }) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#onLine = options.onLine;
    this.#passed = options.passed ?? 0;
  }

  /** How many bytes of the stream it was given. */
  get passed(): number {
    return this.#passed;
  }

  get isBetweenLines(): boolean {
    return this.#pendingSize === 0 && this.#oversized === undefined && !this.#isCut;
  }

  /** Takes the next piece of the stream. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#endLine(chunk.subarray(start, end), this.#passed + end);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    this.#passed += chunk.length;
  }

  /** Takes the length of a piece, without a newline in it, that is not there to be seen. */
  skip(bytes: number): void {
    this.#passed += bytes;
    if (this.#isCut) return;
    this.#oversized ??= this.#startOversized();
    this.#oversized.hash = undefined;
    this.#oversized.size += bytes;
    this.#oversized.tail = Buffer.alloc(0);
  }

  /** So many bytes were lost, and the line at hand with them. Unless the last had its end, it goes up to the next newline. */
  cut(bytes: number, hasEnd: boolean): void {
    this.#passed += bytes;
    this.#forget();
    this.#isCut = !hasEnd;
  }

  /** Takes the end of the stream: what came after the last newline is a line too. */
  end(): void {
    if (this.#pendingSize > 0 || this.#oversized !== undefined) this.#endLine(Buffer.alloc(0), this.#passed);
  }

  #endLine(last: Buffer, endsAt: number): void {
    if (this.#isCut) {
      this.#isCut = false;
      return;
    }
    if (this.#pendingSize === 0 && this.#oversized === undefined && last.length <= this.#maxLineBytes) {
      this.#onLine({ kind: 'whole', bytes: last, size: last.length }, endsAt);
      return;
    }
    this.#keep(last);
    const oversized = this.#oversized;
    if (oversized === undefined) {
      const bytes = this.#pending.subarray(0, this.#pendingSize);
      this.#onLine({ kind: 'whole', bytes, size: bytes.length }, endsAt);
    } else {
      const { head, tail, size, hash } = oversized;
      this.#onLine({ kind: 'oversized', head, tail, size, sha256: hash?.digest('hex') }, endsAt);
    }
    this.#forget();
  }

  #keep(piece: Buffer): void {
    if (this.#isCut) return;
    if (this.#oversized === undefined && this.#pendingSize + piece.length <= this.#maxLineBytes) {
      this.#reserve(this.#pendingSize + piece.length);
      piece.copy(this.#pending, this.#pendingSize);
      this.#pendingSize += piece.length;
      return;
    }
    this.#oversized ??= this.#startOversized();
    const line = this.#oversized;
    line.hash?.update(piece);
    // Only what came before the first gap is its head.
    if (line.head.length < HEAD_BYTES && line.head.length === line.size) {
      line.head = Buffer.concat([line.head, piece.subarray(0, HEAD_BYTES - line.head.length)]);
    }
    line.size += piece.length;
    line.tail =
      piece.length >= TAIL_BYTES
        ? Buffer.from(piece.subarray(-TAIL_BYTES))
        : Buffer.concat([line.tail, piece]).subarray(-TAIL_BYTES);
  }

  #startOversized(): OversizedLine {
    const kept = this.#pending.subarray(0, this.#pendingSize);
    const line: OversizedLine = {
      head: Buffer.from(kept.subarray(0, HEAD_BYTES)),
      tail: Buffer.from(kept.subarray(-TAIL_BYTES)),
      size: kept.length,
      hash: createHash('sha256').update(kept),
    };
    this.#pending = Buffer.alloc(0);
    this.#pendingSize = 0;
    return line;
  }

  #reserve(size: number): void {
    if (size <= this.#pending.length) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.min(this.#maxLineBytes, Math.max(size, 2 * this.#pending.length, 4096)),
    );
    this.#pending.copy(grown, 0, 0, this.#pendingSize);
    this.#pending = grown;
  }

  #forget(): void {
    this.#oversized = undefined;
    this.#pendingSize = 0;
    // One long line must not hold its memory for the rest of the session.
    if (this.#pending.length > HEAD_BYTES) this.#pending = Buffer.alloc(0);
  }
}
