import type { Readable } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import { PIPE_SILENCE, PIPE_SILENCE_MS } from '../pipe-silence.js';

const MAX_BYTES = 64 * 1024;

/**
 * All of standard input, as text, up to its end or to the blank line that ends a request of git.
 *
 * @throws {CliError} when it does not end in time, or is too long to be a request.
 */
export function readRequest(input: Readable, clock: Clock, format: 'git' | 'docker'): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (message: string): void => {
      finish(() => reject(new CliError(message, { exitCode: EXIT.usage })));
    };
    const cancel = clock.schedule(
      () =>
        fail(
          `no request came on standard input within ${PIPE_SILENCE}: ${format} writes it there; see km auth token --help`,
        ),
      PIPE_SILENCE_MS,
      true,
    );
    const text = (): string => Buffer.concat(chunks).toString();
    const onData = (chunk: Buffer | string): void => {
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      if (length > MAX_BYTES) fail(`what came on standard input is too long for a request of ${format}`);
      else if (format === 'git' && /(^|\n)\r?\n/.test(text())) onEnd();
    };
    const onEnd = (): void => finish(() => resolve(text()));
    const onError = (error: Error): void => finish(() => reject(error));
    function finish(settle: () => void): void {
      cancel();
      input.off('data', onData).off('end', onEnd).off('error', onError).pause();
      settle();
    }
    input.on('data', onData).on('end', onEnd).on('error', onError);
  });
}
