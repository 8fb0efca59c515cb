import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

const STDOUT = 1;

/**
 * Writes `text` to stdout at once, without Node's stream, which takes milliseconds to be made where stdout is a pipe.
 * `stdout` is opened only for what the other end is not ready to take. Resolves when all is out, or nobody is there any more.
 */
export function writeAtOnce(text: string, stdout: () => Writable): Promise<void> {
  const left = writeWhatFits(Buffer.from(text));
  if (left.length === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const stream = stdout();
    stream.once('error', () => {
      resolve();
    });
    stream.write(left, () => {
      resolve();
    });
  });
}

/** Returns what is left: nothing, too, where nobody reads any more, which is no failure of ours. */
function writeWhatFits(bytes: Buffer): Buffer {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(STDOUT, bytes, written);
    return bytes.subarray(written);
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'EPIPE';
    return bytes.subarray(isGone ? bytes.length : written);
  }
}
