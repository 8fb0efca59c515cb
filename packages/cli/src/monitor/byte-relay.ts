import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { ByteSource } from './byte-source.js';

export type ByteRelayOptions = {
  readonly source: ByteSource;
  readonly sink: Writable;
  /** Sees each piece after it was written, and must not keep it. `false`: read no more before {@link ByteRelay.goOn}. */
  readonly onBytes: (chunk: Buffer) => boolean;
  /** The source has ended, or broke. */
  readonly onEnd: () => void;
  /** The sink takes no more: its reader is gone. What the source still says is read and dropped. */
  readonly onSinkLost?: (error: Error) => void;
};

/** Passes bytes on, first and unchanged, no faster than they are taken. */
export class ByteRelay {
  readonly #source: ByteSource;
  readonly #sink: Writable;
  #isSinkLost = false;
  #isEnded = false;
  #isHeld = false;
  #isFull = false;
  #takenBytes = 0;
  /** What was lent and could not be handed on at once. */
  #rest = Buffer.alloc(0);

  /** Resolves when all bytes are handed to the system, or can no longer be. */
  readonly flushed: Promise<void>;

  constructor({ source, sink, onBytes, onEnd, onSinkLost }: ByteRelayOptions) {
    this.#source = source;
    this.#sink = sink;
    this.flushed = new Promise((resolve) => {
      sink.once('finish', resolve);
      sink.once('close', resolve);
      sink.on('error', (error) => {
        resolve();
        if (this.#isSinkLost) return;
        this.#isSinkLost = true;
        this.#isFull = false;
        this.#resume();
        onSinkLost?.(error);
      });
    });
    const { stream } = source;
    const end = () => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      sink.end();
      onEnd();
    };
    source.onData((chunk) => {
      this.#isFull = !this.#isSinkLost && !this.#pass(chunk);
      this.#takenBytes += chunk.length;
      this.#isHeld = !onBytes(chunk);
      if (this.#isFull || this.#isHeld) stream.pause();
    });
    sink.on('drain', () => {
      this.#isFull = false;
      this.#resume();
    });
    stream.once('end', end);
    stream.once('error', end);
    stream.once('close', end);
  }

  /** Reads on after it was held back. */
  goOn(): void {
    this.#isHeld = false;
    this.#resume();
  }

  get isSinkLost(): boolean {
    return this.#isSinkLost;
  }

  /** How many bytes were read and not yet handed to the system. */
  get waitingBytes(): number {
    return this.#isSinkLost ? 0 : this.#sink.writableLength;
  }

  /** How many bytes were handed to the system. */
  get passedBytes(): number {
    return this.#takenBytes - this.waitingBytes;
  }

  #resume(): void {
    if (!this.#isHeld && !this.#isFull) this.#source.stream.resume();
  }

  /** Hands a piece to the system; `false` when it could not take all of it at once. */
  #pass(chunk: Buffer): boolean {
    const written = writeAtOnce(this.#sink, chunk);
    if (written === chunk.length) return true;
    const rest = chunk.subarray(written);
    return this.#sink.write(this.#source.isLent ? this.#keep(rest) : rest);
  }

  /** Copies what is only lent: into the same memory again, unless the sink still has what is there. */
  #keep(rest: Buffer): Buffer {
    if (this.#sink.writableLength > 0) return Buffer.from(rest);
    if (this.#rest.length < rest.length) this.#rest = Buffer.allocUnsafeSlow(rest.length);
    rest.copy(this.#rest);
    return this.#rest.subarray(0, rest.length);
  }
}

/**
 * Writes what a pipe takes without a detour through the stream's machinery, which costs as much again; how many bytes
 * that was. The stream takes the rest, waits where the pipe is full, and finds out what is wrong where something is.
 */
function writeAtOnce(sink: Writable, chunk: Buffer): number {
  const { _handle: handle } = sink as { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  if (fd === undefined || fd < 0 || sink.writableLength > 0 || !sink.writable) return 0;
  try {
    return writeSync(fd, chunk);
  } catch {
    return 0;
  }
}
