import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Clock } from '@kilometers/auth';

const STDERR_FD = 2;
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 50;

/** What a stream of Node's has beneath; not documented, and there since Node 0.x. */
type BlockingHandle = { readonly setBlocking?: (isBlocking: boolean) => number };

/**
 * Writes lines to stderr, which the server has as well. A client that does not read it must not hold up the traffic, so
 * that a full pipe is not waited for; and the server's own writes must go on waiting for it, so that the pipe is
 * non-blocking only for the moment of a write.
 */
export class ErrorOutput {
  readonly #clock: Clock;
  readonly #handle: BlockingHandle | undefined;
  #waiting = Buffer.alloc(0);
  #leftOut = 0;
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    const kind = fstatSync(STDERR_FD);
    if (!kind.isFIFO() && !kind.isSocket()) return;
    const socket = new Socket({ fd: STDERR_FD, readable: false, writable: true });
    socket.on('error', () => undefined);
    this.#handle = (socket as { readonly _handle?: BlockingHandle })._handle;
    this.#handle?.setBlocking?.(true);
  }

  /** Takes whole lines. */
  readonly write = (text: string): void => {
    if (this.#waiting.length > MAX_WAITING_BYTES) {
      this.#leftOut += text.split('\n').length - 1;
      return;
    }
    const note = this.#leftOut > 0 ? `km: ${this.#leftOut} lines left out\n` : '';
    this.#leftOut = 0;
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(note + text)]);
    this.#flush();
  };

  #flush(): void {
    if (this.#isScheduled) return;
    this.#handle?.setBlocking?.(false);
    try {
      while (this.#waiting.length > 0) {
        this.#waiting = this.#waiting.subarray(writeSync(STDERR_FD, this.#waiting));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#retry();
      else this.#waiting = Buffer.alloc(0);
    } finally {
      this.#handle?.setBlocking?.(true);
    }
  }

  #retry(): void {
    this.#isScheduled = true;
    this.#clock.schedule(
      () => {
        this.#isScheduled = false;
        this.#flush();
      },
      RETRY_MS,
      false,
    );
  }
}
