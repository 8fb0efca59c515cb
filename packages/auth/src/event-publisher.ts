import { channel, hasSubscribers } from 'node:diagnostics_channel';
import type { AuthEvent, AuthEventBody, AuthEventListener } from './auth-event.js';
import type { Clock } from './clock.js';
import { tellListener } from './tell-listener.js';

/** The name of the `node:diagnostics_channel` on which every {@link AuthEvent} of the process is published. */
export const AUTH_CHANNEL = 'kilometers:auth';

/** What was found while nobody could listen yet, as when the login is read that a manager is made with: it is told once. */
const KEPT: ReadonlySet<string> = new Set(['cache.repaired', 'cache.corrupt', 'security.event']);
const MAX_KEPT = 20;

/** A listener may be async, whatever its type says. */
type Listener = (event: AuthEvent) => unknown;

/** Adds `listener`; returns what takes it out again. */
function added(listener: Listener, listeners: Set<Listener>): () => void {
  // Bound, so that the same function subscribed twice is told twice and unsubscribed once.
  const entry: Listener = listener.bind(undefined);
  listeners.add(entry);
  return () => {
    listeners.delete(entry);
  };
}

/** Tells subscribers what happens. One that throws disturbs neither the others nor the manager. */
export class EventPublisher {
  readonly #listeners = new Set<Listener>();
  /** Those of the manager itself. */
  readonly #watchers = new Set<Listener>();
  /** Of `KEPT`, what nobody has heard: for those who subscribe first. */
  #unheard: AuthEvent[] = [];
  readonly #profile: string;
  readonly #clock: Clock;

  constructor(profile: string, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
  }

  subscribe(listener: AuthEventListener): () => void {
    const unsubscribe = added(listener, this.#listeners);
    // Later: others may subscribe in the same tick, and this one does not have its unsubscribe function yet.
    if (this.#unheard.length > 0) void Promise.resolve().then(() => this.#tellUnheard());
    return unsubscribe;
  }

  /** As `subscribe`, for the manager itself: what nobody else has heard is still kept for the first who subscribes. */
  watch(listener: AuthEventListener): () => void {
    return added(listener, this.#watchers);
  }

  /** Whether anybody but the manager itself would be told. */
  get isHeard(): boolean {
    return this.#listeners.size > 0 || hasSubscribers(AUTH_CHANNEL);
  }

  publish(body: AuthEventBody): void {
    const { isHeard } = this;
    const isKept = !isHeard && KEPT.has(body.type);
    if (!isHeard && !isKept && this.#watchers.size === 0) return;
    const event: AuthEvent = Object.freeze({ profile: this.#profile, atMs: this.#clock.nowMs(), ...body });
    for (const watcher of [...this.#watchers]) watcher(event);
    if (isHeard) this.#tell(event);
    else if (isKept) this.#unheard = [...this.#unheard, event].slice(-MAX_KEPT);
  }

  #tellUnheard(): void {
    if (!this.isHeard) return;
    const events = this.#unheard;
    this.#unheard = [];
    for (const event of events) this.#tell(event);
  }

  #tell(event: AuthEvent): void {
    for (const listener of [...this.#listeners]) tellListener(listener, event);
    channel(AUTH_CHANNEL).publish(event);
  }
}
