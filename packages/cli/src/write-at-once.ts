import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { CliError } from './cli-error.js';
import { EXIT } from './exit-code.js';

const STDOUT = 1;

/** What a write says whose reader went away: a pipe, a socket, and a pipe of Windows. */
const READER_GONE: readonly unknown[] = ['EPIPE', 'ECONNRESET', 'EOF'];

/**
 * Writes `text` to stdout at once, without Node's stream, which takes milliseconds to be made where stdout is a pipe.
 * `stdout` is opened only for what the other end is not ready to take. Resolves with `true` when all is out, and with
 * `false` when nobody reads any more, which is no failure of ours. Of a socket that is known with no `text` as well.
 *
 * @throws {CliError} when it cannot be written, as to a full disk.
 */
export async function writeAtOnce(text: string, stdout: () => Writable): Promise<boolean> {
  const bytes = Buffer.from(text);
  try {
    const written = writeWhatFits(bytes);
    if (written < bytes.length) await writeToStream(bytes.subarray(written), stdout());
    return true;
  } catch (error) {
    if (READER_GONE.includes(codeOf(error))) return false;
    throw unwritable(error);
  }
}

/**
 * Writes `text` to the stdout of the process `host` for who has nothing else of `km`: where that fails stderr says so, and the
 * process has its exit code.
 */
export async function answerOrFail(
  text: string,
  host: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'exitCode'>,
): Promise<void> {
  try {
    await writeAtOnce(text, () => host.stdout);
  } catch (error) {
    host.exitCode = EXIT.failed;
    const { stderr } = host;
    stderr.on('error', () => undefined);
    await new Promise((resolve) => stderr.write(`km: ${(error as Error).message}\n`, resolve));
  }
}

/** Returns how many of `bytes` the other end took. */
function writeWhatFits(bytes: Buffer): number {
  let written = 0;
  try {
    do written += writeSync(STDOUT, bytes, written);
    while (written < bytes.length);
  } catch (error) {
    if (codeOf(error) !== 'EAGAIN') throw error;
  }
  return written;
}

function writeToStream(bytes: Buffer, stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.write(bytes, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function unwritable(error: unknown): CliError {
  const why = error instanceof Error ? error.message : String(error);
  return new CliError(
    `the answer cannot be written to stdout: ${why}; make room there, or send it somewhere else`,
    {
      exitCode: EXIT.failed,
      cause: error,
    },
  );
}
