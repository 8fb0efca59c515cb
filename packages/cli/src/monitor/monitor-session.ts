import type { Writable } from 'node:stream';
import type { Clock } from '@kilometers/auth';
import { ByteRelay } from './byte-relay.js';
import type { ByteSource } from './byte-source.js';
import { isMessage } from '../passed-signals.js';
import type { CaptureFeed } from './capture-feed.js';
import type { LastOutput } from './last-output.js';
import type { ServerEnding, ServerProcess } from './server-process.js';
import { ServerShutdown } from './server-shutdown.js';

/** How long output that nobody reads is waited for, once the client or a signal asked for the end. */
const STALLED_OUTPUT_MS = 2_000;
const POLL_MS = 20;

export type MonitorSessionOptions = {
  readonly server: ServerProcess;
  /** The client's side: what it says, and what it hears. */
  readonly client: { readonly input: ByteSource; readonly output: Writable };
  readonly feed: Pick<CaptureFeed, 'see' | 'end' | 'awaitedAnswers'>;
  readonly clock: Clock;
  readonly lastOutput: LastOutput;
  /** Is told why what the server says cannot be passed on, unless the client is gone. */
  readonly tell: (why: string) => void;
};

/** How a session ended. */
export type SessionEnding = {
  readonly server: ServerEnding;
  /** Whether a signal was sent to it; if not, it ended by itself. */
  readonly wasSignalled: boolean;
};

/** One client, one server, and all that passes between them. */
export class MonitorSession {
  readonly #options: MonitorSessionOptions;
  readonly #shutdown: ServerShutdown;
  readonly #toServer: ByteRelay;
  readonly #toClient: ByteRelay;

  constructor(options: MonitorSessionOptions) {
    const { server, client, feed, clock, tell } = options;
    this.#options = options;
    let hasSpoken = false;
    const isBusy = () => !this.#toClient.isSinkLost && (!hasSpoken || feed.awaitedAnswers > 0);
    const shutdown = new ServerShutdown(server, { clock, isBusy });
    this.#shutdown = shutdown;
    this.#toServer = new ByteRelay({
      source: client.input,
      sink: server.stdin,
      onBytes: (chunk) => feed.see('outbound', chunk),
      onEnd: () => {
        feed.end('outbound');
        shutdown.close();
      },
    });
    this.#toClient = new ByteRelay({
      source: server.output,
      sink: client.output,
      onBytes: (chunk) => {
        hasSpoken = true;
        if (!this.#toClient.isSinkLost) shutdown.noteActivity();
        return feed.see('inbound', chunk);
      },
      onEnd: () => feed.end('inbound'),
      // Nobody hears the server any more.
      onSinkLost: (error) => {
        shutdown.close();
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') tell(error.message);
      },
    });
  }

  /** Reads on where the feed held it back. */
  goOn(): void {
    this.#toServer.goOn();
    this.#toClient.goOn();
  }

  /** Passes on a signal that `km` got. */
  forward(signal: NodeJS.Signals): void {
    if (!isMessage(signal)) this.#options.lastOutput.hurry();
    this.#shutdown.forward(signal);
  }

  /** Resolves when the server has ended, with all it started, and the client has what it said. */
  async ended(): Promise<SessionEnding> {
    const server = await this.#options.server.exited;
    this.#options.lastOutput.begin();
    const wasSignalled = this.#shutdown.hasSignalled;
    await this.#shutdown.endGroup();
    await this.#outputDrained();
    return { server, wasSignalled };
  }

  /** Resolves when the client has all of the server's output, or will not have it. */
  async #outputDrained(): Promise<void> {
    const { server, clock, lastOutput } = this.#options;
    const flushed = this.#toClient.flushed.then(() => true);
    const follower = lastOutput.follow();
    for (;;) {
      const poll = new Promise<false>((resolve) => clock.schedule(() => resolve(false), POLL_MS, true));
      if (await Promise.race([flushed, poll])) return;
      const { passedBytes, waitingBytes } = this.#toClient;
      const { quietMs, isOver } = follower.look(passedBytes, waitingBytes);
      if (waitingBytes > 0 && this.#shutdown.isUnderWay && quietMs >= STALLED_OUTPUT_MS) return;
      // Its end is all that is missing.
      if (isOver) server.output.stream.destroy();
    }
  }
}
