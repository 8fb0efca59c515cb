import type { MessageId } from './json-rpc-message.js';

/** How many unanswered requests are remembered; the oldest is forgotten first. */
const MAX_PENDING = 10_000;

/** Remembers the method of each request of one direction until its response names it by id. */
export class RequestMethods {
  readonly #methods = new Map<MessageId, string>();

  /** How many requests wait for their response. */
  get unanswered(): number {
    return this.#methods.size;
  }

  remember(id: MessageId, method: string): void {
    // Deleted first so that an id used again counts as new.
    this.#methods.delete(id);
    this.#methods.set(id, method);
    if (this.#methods.size <= MAX_PENDING) return;
    for (const oldest of this.#methods.keys()) {
      this.#methods.delete(oldest);
      return;
    }
  }

  /** The method of the request that `id` answers; forgotten with this. */
  take(id: MessageId): string | undefined {
    const method = this.#methods.get(id);
    this.#methods.delete(id);
    return method;
  }
}
