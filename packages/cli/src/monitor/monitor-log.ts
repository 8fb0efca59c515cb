import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import type { AuthEvent, Clock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { MonitorNotice } from './monitor-notice.js';

/** Lines that a slow disk has not taken yet; what comes on top of this is left out, and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** Writes what happens in a session to a file: one JSON object a line, no message contents, no secrets. */
export class MonitorLog {
  readonly #clock: Clock;
  readonly #stream: WriteStream;
  #leftOut = 0;
  #isBroken = false;

  /** @throws {CliError} when the file cannot be opened for writing. */
  constructor(path: string, clock: Clock) {
    this.#clock = clock;
    this.#stream = createWriteStream(path, { fd: openForAppending(path) });
    this.#stream.on('error', () => {
      this.#isBroken = true;
    });
  }

  readonly onNotice = (notice: MonitorNotice): void => this.#write(lineOf(notice));

  readonly onAuthEvent = ({ atMs: _, ...event }: AuthEvent): void => this.#write(event);

  /** Resolves when all lines are written. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.once('close', resolve);
      if (this.#stream.closed) resolve();
      else this.#stream.end();
    });
  }

  #write(fields: object): void {
    if (this.#isBroken) return;
    if (this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#leftOut += 1;
      return;
    }
    const at = new Date(this.#clock.nowMs()).toISOString();
    if (this.#leftOut > 0) {
      this.#stream.write(`${JSON.stringify({ at, type: 'log.left-out', lines: this.#leftOut })}\n`);
      this.#leftOut = 0;
    }
    this.#stream.write(`${JSON.stringify({ at, ...fields })}\n`);
  }
}

function lineOf(notice: MonitorNotice): object {
  switch (notice.type) {
    case 'message': {
      const { direction, method, size } = notice.event;
      return { type: notice.type, direction, kind: notice.kind, method, id: notice.id, size };
    }
    case 'batch.delivered': {
      const { batch, durationMs } = notice;
      return { type: notice.type, events: batch.events.length, durationMs: Math.round(durationMs) };
    }
    case 'batch.postponed':
    case 'batch.refused': {
      const { batch, ...rest } = notice;
      return { ...rest, events: batch.events.length };
    }
    default:
      return notice;
  }
}

function openForAppending(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`cannot write the log: ${reason}; give another file with --log`, {
      exitCode: 1,
      cause,
    });
  }
}
