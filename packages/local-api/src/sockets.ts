import type { Listening } from './server.js';

/** Where an API listens: each socket may also be closed by itself. */
export class Sockets {
  readonly #open: Listening[] = [];
  readonly #closing = new Set<Promise<void>>();

  /** The address of the newest one that is still open. */
  get newestUrl(): string | undefined {
    return this.#open.at(-1)?.url;
  }

  /** @returns `socket`, which is forgotten here as soon as it is closed. */
  add(socket: Listening): Listening {
    const own: Listening = { ...socket, close: () => this.#close(own, socket) };
    this.#open.push(own);
    return own;
  }

  /** Closes all, and waits for those that were being closed. Each that is closed leaves the list. */
  async close(): Promise<void> {
    await Promise.all([...[...this.#open].map((socket) => socket.close()), ...this.#closing]);
  }

  #close(own: Listening, socket: Listening): Promise<void> {
    const index = this.#open.indexOf(own);
    // A second call waits for the first.
    if (index === -1) return socket.close();
    this.#open.splice(index, 1);
    const closing: Promise<void> = socket.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }
}
