import type { MessageId } from './json-rpc-message.js';

/** How many unanswered requests are remembered; the oldest is forgotten first. */
const MAX_PENDING = 10_000;

/** What is known of a request when its response comes. */
export type PendingRequest = {
  readonly method: string;
  /** On the monotonic clock. */
  readonly askedAtMs: number;
};

/** Remembers the requests of one direction until a response names them by id. */
export class PendingRequests {
  readonly #requests = new Map<MessageId, PendingRequest>();
  readonly #cancelled = new Set<MessageId>();

  /** The id and the method of each request, the oldest first. */
  get methods(): readonly (readonly [MessageId, string])[] {
    return [...this.#requests].map(([id, { method }]) => [id, method]);
  }

  /** How many requests wait for their response. */
  get count(): number {
    return this.#requests.size - this.#cancelled.size;
  }

  remember(id: MessageId, request: PendingRequest): void {
    // Deleted first so that an id used again counts as new.
    this.take(id);
    this.#requests.set(id, request);
    if (this.#requests.size <= MAX_PENDING) return;
    for (const oldest of this.#requests.keys()) {
      this.take(oldest);
      return;
    }
  }

  /** The one who asked no longer wants it; a response may come all the same. */
  cancel(id: MessageId): void {
    if (this.#requests.has(id)) this.#cancelled.add(id);
  }

  /** The request that `id` answers; forgotten with this. */
  take(id: MessageId): PendingRequest | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    this.#cancelled.delete(id);
    return request;
  }
}
