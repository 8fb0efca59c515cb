import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';

const STDOUT_FD = 1;

/**
 * What the client hears. The process's own stdout cannot be closed, so that the client of a server that is gone would
 * wait for its end for as long as events are delivered; a pipe gets a stream of its own.
 */
export function openClientOutput(processStdout: () => Writable): Writable {
  const kind = fstatSync(STDOUT_FD);
  const isPipe = kind.isFIFO() || kind.isSocket();
  return isPipe ? new Socket({ fd: STDOUT_FD, readable: false, writable: true }) : processStdout();
}
