import { open, type FileHandle } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';

/** A line that `km monitor --log` wrote; which fields there are depends on the type. */
export type LogLine = {
  readonly type: string;
  readonly token?: string;
  readonly replaced?: string;
  readonly grantType?: string;
  readonly reason?: string;
  readonly events?: number;
  readonly durationMs?: number;
  readonly retryInMs?: number;
  readonly expiresAtMs?: number;
  readonly undelivered?: number;
  readonly at: string;
};

const POLL_MS = 50;

/** Follows a log file while it grows. */
export class MonitorLogTail {
  readonly #file: FileHandle;
  readonly #onLine: (line: LogLine) => void;
  readonly #following: Promise<void>;
  /** A read may end within a character. */
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #isStopped = false;

  private constructor(file: FileHandle, onLine: (line: LogLine) => void) {
    this.#file = file;
    this.#onLine = onLine;
    this.#following = this.#follow();
    // Who stops this is told; until then nobody waits for it.
    this.#following.catch(() => undefined);
  }

  static async start(path: string, onLine: (line: LogLine) => void): Promise<MonitorLogTail> {
    return new MonitorLogTail(await open(path, 'a+', 0o600), onLine);
  }

  /** Reads what is left, and ends. @throws what went wrong while it followed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    try {
      await this.#following;
    } finally {
      await this.#file.close();
    }
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      await this.#readNew();
      await delay(POLL_MS);
    }
    await this.#readNew();
  }

  async #readNew(): Promise<void> {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      const lines = (this.#rest + this.#decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#onLine(JSON.parse(line) as LogLine);
    }
  }
}
