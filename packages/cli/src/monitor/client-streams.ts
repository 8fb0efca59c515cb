import { closeSync, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { devNull } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import { sourceOf, sourceOfPipe, type ByteSource } from './byte-source.js';

const STDIN_FD = 0;
const STDOUT_FD = 1;
const RETRY_MS = 1;

/** What the client says. */
export function openClientInput(processStdin: () => Readable): ByteSource {
  return isPipe(STDIN_FD) ? sourceOfPipe({ fd: STDIN_FD }) : sourceOf(processStdin());
}

/**
 * What the client hears. The process's own stdout cannot be closed, so that the client of a server that is gone would
 * wait for its end for as long as events are delivered; a pipe gets a stream of its own.
 *
 * @param threadsStarted resolves when no thread is being started any more: one that is opens many files.
 */
export function openClientOutput(
  processStdout: () => Writable,
  { clock, threadsStarted }: { readonly clock: Clock; readonly threadsStarted: Promise<void> },
): Writable {
  if (!isPipe(STDOUT_FD)) return processStdout();
  const output = new Socket({ fd: STDOUT_FD, readable: false, writable: true });
  // At its end a socket is shut down, for everybody who has it, and a pipe stays open. Let go, both end as the client
  // expects, and what else has the same output goes on.
  output._final = (done) => {
    done();
    output.destroy();
  };
  output.once('close', () => void threadsStarted.then(() => letGoOfStdout(clock)));
  return output;
}

function letGoOfStdout(clock: Clock): void {
  closeSync(STDOUT_FD);
  occupyStdout(clock);
}

/**
 * Nothing that is opened later may have its number: some code may still write there, and libuv aborts the process where it
 * closes it. Node has no way to put one file in the place of another, so that another thread may be faster.
 */
function occupyStdout(clock: Clock): void {
  const fd = openSync(devNull, 'w');
  if (fd === STDOUT_FD) return;
  closeSync(fd);
  clock.schedule(() => occupyStdout(clock), RETRY_MS, false);
}

function isPipe(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket();
}
