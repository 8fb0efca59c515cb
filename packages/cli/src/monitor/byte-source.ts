import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

const READ_BYTES = 64 * 1024;

/** Where bytes come from. */
export type ByteSource = {
  readonly stream: Readable;
  /** Calls `listener` for each piece. With `isLent` the bytes are only good until it returns. */
  readonly onData: (listener: (chunk: Buffer) => void) => void;
  readonly isLent: boolean;
};

/** What a stream says. */
export function sourceOf(stream: Readable): ByteSource {
  return { stream, isLent: false, onData: (listener) => stream.on('data', listener) };
}

/** What a pipe says, read into one piece of memory, again and again: none is taken for it, and none left to collect. */
export function sourceOfPipe(pipe: { readonly fd: number } | { readonly handle: object }): ByteSource {
  let onChunk: (chunk: Buffer) => void = () => undefined;
  const buffer = Buffer.alloc(READ_BYTES);
  const options = {
    ...pipe,
    readable: true,
    writable: false,
    // What is said before somebody listens waits.
    pauseOnCreate: true,
    // As `net.connect` has it; the constructor that `net.connect` calls takes it as well.
    onread: {
      buffer,
      callback: (size: number) => {
        onChunk(buffer.subarray(0, size));
        return true;
      },
    },
  };
  const stream = new Socket(options);
  return {
    stream,
    isLent: true,
    onData(listener) {
      onChunk = listener;
      stream.resume();
    },
  };
}

/**
 * What a child process says, in place of its own stream of that, from which nothing comes any more, not even its end. Asked for
 * as soon as the child is started: what its own stream has read by then is lost.
 */
export function sourceOfChild(output: Readable): ByteSource {
  const { _handle: handle } = output as { readonly _handle?: object | null };
  return handle === undefined || handle === null ? sourceOf(output) : sourceOfPipe({ handle });
}
