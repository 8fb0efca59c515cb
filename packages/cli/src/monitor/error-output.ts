import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import type { LastOutput } from './last-output.js';

const STDERR_FD = 2;
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 20;

/** How long what nobody reads is waited for at the end. */
const UNREAD_MS = 2_000;
const POLL_MS = 20;

/** What a stream of Node's has beneath; not documented, and there since Node 0.x. */
type BlockingHandle = { readonly setBlocking?: (isBlocking: boolean) => number };

/**
 * Writes to stderr, which a client need not read: a full pipe is not waited for, so that the traffic is not held up.
 *
 * Whether a write waits is a property of what is open, not of the one who writes, and the server's writes must go on
 * waiting. A pipe is therefore opened once more, for the lines of `km` alone. A socket cannot be: the server says to
 * `km` what it says on stderr, and the socket is non-blocking only for the moment of a write, for the sake of others who
 * may have it.
 */
export class ErrorOutput {
  /** What the server is given as its stderr: this process's own, or a pipe to {@link ErrorOutput.relay}. */
  readonly forServer: 'inherit' | 'pipe';
  readonly #clock: Clock;
  readonly #fd: number;
  readonly #handle: BlockingHandle | undefined;
  #source: Readable | undefined;
  #waiting: Buffer = Buffer.alloc(0);
  #writtenBytes = 0;
  #leftOut = 0;
  #isScheduled = false;

  constructor(clock: Clock, processStderr: () => Writable) {
    this.#clock = clock;
    const kind = fstatSync(STDERR_FD);
    const again = kind.isFIFO() ? openAgain() : undefined;
    this.#fd = again ?? STDERR_FD;
    const isPipe = kind.isFIFO() || kind.isSocket();
    this.forServer = isPipe && again === undefined ? 'pipe' : 'inherit';
    if (!isPipe) return;
    // Node opens it sooner or later, non-blocking, if only to compare another socket with it. Now it is done.
    const handle = (processStderr() as { readonly _handle?: BlockingHandle })._handle;
    handle?.setBlocking?.(true);
    if (again === undefined) this.#handle = handle;
  }

  /** Takes whole lines. */
  readonly write = (text: string): void => {
    if (this.#waiting.length > MAX_WAITING_BYTES) {
      this.#leftOut += text.split('\n').length - 1;
      return;
    }
    const note = this.#leftOut > 0 ? `km: ${this.#leftOut} lines left out\n` : '';
    this.#leftOut = 0;
    this.#add(Buffer.from(note + text));
  };

  /** Passes on what the server says on a stderr of its own, no faster than it is read. */
  relay(source: Readable): void {
    this.#source = source;
    source.on('data', (chunk: Buffer) => {
      this.#add(chunk);
      if (this.#waiting.length > 0) source.pause();
    });
    source.on('error', () => undefined);
    source.once('close', () => {
      this.#source = undefined;
    });
  }

  /** Resolves when the server's stderr has ended and all is written, or nobody reads it. */
  async settled(lastOutput: LastOutput): Promise<void> {
    const follower = lastOutput.follow();
    while (this.#source !== undefined || this.#waiting.length > 0) {
      const waitingBytes = this.#waiting.length;
      const { quietMs, isOver } = follower.look(this.#writtenBytes, waitingBytes);
      if (waitingBytes > 0 && quietMs >= UNREAD_MS) {
        this.#source?.destroy();
        return;
      }
      if (isOver) this.#source?.destroy();
      await new Promise<void>((resolve) => this.#clock.schedule(resolve, POLL_MS, true));
    }
  }

  #add(bytes: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    if (!this.#isScheduled) this.#flush();
  }

  #flush(): void {
    this.#handle?.setBlocking?.(false);
    try {
      while (this.#waiting.length > 0) {
        const size = writeSync(this.#fd, this.#waiting);
        this.#waiting = this.#waiting.subarray(size);
        this.#writtenBytes += size;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#retry();
      // Nobody will read it any more.
      else this.#waiting = Buffer.alloc(0);
    } finally {
      this.#handle?.setBlocking?.(true);
    }
    if (this.#waiting.length === 0) this.#source?.resume();
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

/** Opens the pipe that stderr is, without sharing with anybody how it is written to; `undefined` where that cannot be. */
function openAgain(): number | undefined {
  try {
    // Elsewhere than on Linux this would be the same open pipe once more, and not another.
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
