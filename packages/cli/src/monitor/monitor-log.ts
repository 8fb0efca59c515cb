import { constants, createWriteStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { AuthEvent, Clock } from '@kilometers/auth';
import { CliError } from '../cli-error.js';
import type { MonitorNotice } from './monitor-notice.js';

/** Lines that a slow disk or reader has not taken yet; what comes on top of this is left out, and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** How long the last lines may take. */
const CLOSE_MS = 1_000;

/**
 * Opens the log for appending. A named pipe is opened although nobody reads it: what it cannot take is left out.
 *
 * @throws {CliError} when it cannot be opened for writing.
 */
export function openMonitorLog(path: string): number {
  try {
    const isPipe = statSync(path, { throwIfNoEntry: false })?.isFIFO() === true;
    // A named pipe opened for writing only waits for its reader, or fails without one.
    return openSync(path, isPipe ? constants.O_RDWR | constants.O_NONBLOCK : 'a', 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`cannot write the log: ${reason}; give another file with --log`, {
      exitCode: 1,
      cause,
    });
  }
}

/** Writes what happens in a session to a file: one JSON object a line, no message contents, no secrets. */
export class MonitorLog {
  readonly #clock: Clock;
  readonly #stream: Writable;
  #leftOut = 0;
  #isBroken = false;

  /**
   * @param fd of {@link openMonitorLog}.
   * @param tell is told, once, that nothing more can be written, and why.
   */
  constructor(fd: number, clock: Clock, tell: (message: string) => void) {
    this.#clock = clock;
    this.#stream = fstatSync(fd).isFIFO()
      ? new Socket({ fd, readable: false, writable: true })
      : createWriteStream('', { fd });
    this.#stream.on('error', ({ message }) => {
      if (!this.#isBroken)
        tell(`the log ends here, and the session goes on: it cannot be written: ${message}`);
      this.#isBroken = true;
    });
  }

  readonly onNotice = (notice: MonitorNotice): void => this.#write(lineOf(notice));

  readonly onAuthEvent = ({ atMs: _, ...event }: AuthEvent): void => this.#write(event);

  /** Resolves when all lines are written, or will not be. */
  close(): Promise<void> {
    if (!this.#isBroken) this.#tellLeftOut();
    return new Promise((resolve) => {
      this.#stream.once('close', resolve);
      this.#clock.schedule(resolve, CLOSE_MS, true);
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
    this.#tellLeftOut();
    this.#writeNow(fields);
  }

  #tellLeftOut(): void {
    if (this.#leftOut > 0) this.#writeNow({ type: 'log.left-out', lines: this.#leftOut });
    this.#leftOut = 0;
  }

  #writeNow(fields: object): void {
    const at = new Date(this.#clock.nowMs()).toISOString();
    this.#stream.write(`${JSON.stringify({ at, ...fields })}\n`);
  }
}

function lineOf(notice: MonitorNotice): object {
  switch (notice.type) {
    case 'message': {
      const { type, event, kind, id, latencyMs, errors, redacted } = notice;
      const { timestamp, direction, method, size } = event;
      return {
        type,
        // When it went through, which is a little before it is written down.
        at: timestamp,
        direction,
        kind,
        method,
        id,
        size,
        ...(latencyMs === undefined ? {} : { latencyMs: Math.round(latencyMs * 1_000) / 1_000 }),
        ...(errors.length === 0 ? {} : { errorCodes: errors.map(({ code }) => code ?? null) }),
        ...(redacted === 0 ? {} : { redacted }),
      };
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
