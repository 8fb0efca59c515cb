import { channel, hasSubscribers } from 'node:diagnostics_channel';
import type { AuthEvent, AuthEventBody, AuthEventListener } from './auth-event.js';
import type { Clock } from './clock.js';

/** The name of the `node:diagnostics_channel` on which every {@link AuthEvent} of the process is published. */
export const AUTH_CHANNEL = 'kilometers:auth';

/** A listener may be async, whatever its type says. */
type Listener = (event: AuthEvent) => unknown;

/** Tells subscribers what happens. One that throws disturbs neither the others nor the manager. */
export class EventPublisher {
  readonly #listeners = new Set<Listener>();
  readonly #profile: string;
  readonly #clock: Clock;

  constructor(profile: string, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
  }

  subscribe(listener: AuthEventListener): () => void {
    // Bound, so that the same function subscribed twice is told twice and unsubscribed once.
    const entry: Listener = listener.bind(undefined);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Whether anybody would be told. */
  get isHeard(): boolean {
    return this.#listeners.size > 0 || hasSubscribers(AUTH_CHANNEL);
  }

  publish(body: AuthEventBody): void {
    if (!this.isHeard) return;
    const event: AuthEvent = Object.freeze({ profile: this.#profile, atMs: this.#clock.nowMs(), ...body });
    for (const listener of [...this.#listeners]) {
      try {
        const returned = listener(event);
        if (returned instanceof Promise) returned.catch(() => undefined);
      } catch {
        // A subscriber's failure is the subscriber's.
      }
    }
    channel(AUTH_CHANNEL).publish(event);
  }
}
