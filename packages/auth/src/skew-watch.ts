import type { EventPublisher } from './event-publisher.js';

/** A wall clock that differs from the service's by more than this is worth telling, in milliseconds. */
const NOTABLE_SKEW_MS = 30_000;

/** Remembers the local clock minus the service's, and tells where it becomes notable. */
export class SkewWatch {
  readonly #events: EventPublisher;
  #skewMs: number | undefined;

  constructor(events: EventPublisher) {
    this.#events = events;
  }

  /** In milliseconds, as last seen; `undefined` before the first answer. */
  get skewMs(): number | undefined {
    return this.#skewMs;
  }

  learn(skewMs: number): void {
    const wasNotable = Math.abs(this.#skewMs ?? 0) > NOTABLE_SKEW_MS;
    this.#skewMs = skewMs;
    if (!wasNotable && Math.abs(skewMs) > NOTABLE_SKEW_MS)
      this.#events.publish({ type: 'clock.skewed', skewMs });
  }
}
