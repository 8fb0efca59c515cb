import type { Readable, Writable } from 'node:stream';

export type ByteRelayOptions = {
  readonly source: Readable;
  readonly sink: Writable;
  /** Sees each chunk after it was written. It must not keep or change the buffer. */
  readonly onBytes: (chunk: Buffer) => void;
  /** The source has ended, or broke. */
  readonly onEnd: () => void;
  /** The sink takes no more: its reader is gone. What the source still says is read and dropped. */
  readonly onSinkLost?: () => void;
};

/** Passes bytes on, first and unchanged, no faster than they are taken. */
export class ByteRelay {
  readonly #sink: Writable;
  #isSinkLost = false;
  #isEnded = false;
  #takenBytes = 0;

  /** Resolves when all bytes are handed to the system, or can no longer be. */
  readonly flushed: Promise<void>;

  constructor({ source, sink, onBytes, onEnd, onSinkLost }: ByteRelayOptions) {
    this.#sink = sink;
    this.flushed = new Promise((resolve) => {
      sink.once('finish', resolve);
      sink.once('close', resolve);
      sink.on('error', () => {
        resolve();
        if (this.#isSinkLost) return;
        this.#isSinkLost = true;
        source.resume();
        onSinkLost?.();
      });
    });
    const end = () => {
      if (this.#isEnded) return;
      this.#isEnded = true;
      sink.end();
      onEnd();
    };
    source.on('data', (chunk: Buffer) => {
      const hasRoom = this.#isSinkLost || sink.write(chunk);
      this.#takenBytes += chunk.length;
      onBytes(chunk);
      if (!hasRoom && !this.#isSinkLost) source.pause();
    });
    sink.on('drain', () => source.resume());
    source.once('end', end);
    source.once('error', end);
    source.once('close', end);
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
}
