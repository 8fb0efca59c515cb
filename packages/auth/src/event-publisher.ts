import { channel } from 'node:diagnostics_channel';
import type { AuthEvent, AuthEventBody, AuthEventListener } from './auth-event.js';
import type { Clock } from './clock.js';

/** The name of the `node:diagnostics_channel` on which every {@link AuthEvent} of the process is published. */
export const AUTH_CHANNEL = 'kilometers:auth';

const processChannel = channel(AUTH_CHANNEL);

/** Tells subscribers what happens. One that throws disturbs neither the others nor the manager. */
export class EventPublisher {
  readonly #listeners = new Set<AuthEventListener>();
  readonly #profile: string;
  readonly #clock: Clock;

  constructor(profile: string, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
  }

  subscribe(listener: AuthEventListener): () => void {
    // Wrapped, so that the same function subscribed twice is told twice and unsubscribed once.
    const entry: AuthEventListener = (event) => {
      listener(event);
    };
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  publish(body: AuthEventBody): void {
    if (this.#listeners.size === 0 && !processChannel.hasSubscribers) return;
    const event: AuthEvent = Object.freeze({ profile: this.#profile, atMs: this.#clock.nowMs(), ...body });
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch {
        // A subscriber's failure is the subscriber's.
      }
    }
    processChannel.publish(event);
  }
}
