import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

const STDOUT_FD = 1;

/** What the client says. */
export function openClientInput(): Readable {
  return process.stdin;
}

/**
 * What the client hears. `process.stdout` cannot be closed; the client of a server that is gone would wait for its
 * end for as long as events are delivered. So a pipe gets a stream of its own.
 */
export function openClientOutput(): Writable {
  const kind = fstatSync(STDOUT_FD);
  const isPipe = kind.isFIFO() || kind.isSocket();
  return isPipe ? new Socket({ fd: STDOUT_FD, readable: false, writable: true }) : process.stdout;
}
