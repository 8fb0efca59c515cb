import { isLoginDamaged, type CacheNotice } from './cache-notice.js';
import type { EventPublisher } from './event-publisher.js';
import type { GrantKey } from './grant-record.js';
import type { TokenCache } from './ports.js';

/** Ends the subscriptions of what is no more. */
const subscriptions = new FinalizationRegistry<() => void>((end) => {
  try {
    end();
  } catch {
    // What a cache of the program's own throws here nobody could catch.
  }
});

/** What is amiss with a cache, as far as one grant has seen it, and as the user is told of it. */
export class CacheTrouble {
  readonly #events: EventPublisher;
  readonly #key: GrantKey;
  #isReadFailing = false;
  #isDamaged = false;

  constructor(cache: Pick<TokenCache, 'subscribe'>, key: GrantKey, events: EventPublisher) {
    this.#events = events;
    this.#key = key;
    // A cache may outlive many managers: it must not keep them.
    const self = new WeakRef(this);
    const end = cache.subscribe?.((notice) => {
      self.deref()?.tell(notice);
    });
    if (end !== undefined) subscriptions.register(this, end);
  }

  /** Whether what was read last is what is stored. */
  get isReadable(): boolean {
    return !this.#isReadFailing;
  }

  /** Whether something of the grant's login was found not to open. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** What `read` brings; `undefined` where it cannot be read. */
  async whatIsRead<T>(read: () => Promise<T>): Promise<{ readonly found: T } | undefined> {
    try {
      const found = await read();
      this.#isReadFailing = false;
      return { found };
    } catch (error) {
      if (!this.#isReadFailing) this.#tellFailure('read', error);
      this.#isReadFailing = true;
      return undefined;
    }
  }

  writeFailed(error: unknown): void {
    this.#tellFailure('write', error);
  }

  /** Tells of what the cache found. */
  tell(notice: CacheNotice): void {
    const { kind, message } = notice;
    if (kind === 'repaired') {
      this.#events.publish({ type: 'cache.repaired', message });
      return;
    }
    // What was sealed and does not open any more was tampered with, or damaged: nobody can tell which.
    this.#isDamaged ||= isLoginDamaged(notice, this.#key);
    this.#events.publish({ type: 'cache.corrupt', message });
    this.#events.publish({ type: 'security.event', reason: 'cache-tampered', message });
  }

  #tellFailure(operation: 'read' | 'write', error: unknown): void {
    this.#events.publish({
      type: 'cache.failed',
      operation,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}
